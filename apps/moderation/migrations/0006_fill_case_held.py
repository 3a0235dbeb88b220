from django.db import migrations
from django.db.models import F


def fill(apps, schema_editor):
    """A case that holds has held since it was opened, or a little later."""
    apps.get_model('moderation', 'Case').objects.filter(is_holding=True).update(held_ms=F('opened_ms'))


def empty(apps, schema_editor):
    cases = apps.get_model('moderation', 'Case').objects.exclude(held_ms=None)
    cases.update(is_holding=True)


class Migration(migrations.Migration):

    dependencies = [
        ('moderation', '0005_case_held'),
    ]

    operations = [migrations.RunPython(fill, empty)]
