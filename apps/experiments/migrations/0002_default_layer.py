"""The layer that a new experiment is in."""

import secrets

from django.db import migrations


def make(apps, schema_editor):
    layers = apps.get_model("experiments", "Layer").objects
    layers.get_or_create(name="default", defaults={"salt": secrets.token_hex(8)})


class Migration(migrations.Migration):
    dependencies = [("experiments", "0001_initial")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
