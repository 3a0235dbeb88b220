"""Whoever knows a viewer by pseudonym calls the column the same, so that erasure finds it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experiments", "0002_default_layer")]

    operations = [
        migrations.RemoveConstraint("override", "override_one"),
        migrations.RenameField("override", "pseudonym", "viewer_pseudonym"),
        migrations.AddConstraint(
            "override",
            models.UniqueConstraint(
                fields=["experiment", "viewer_pseudonym"], name="override_one"
            ),
        ),
    ]
