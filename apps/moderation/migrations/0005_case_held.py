from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('moderation', '0004_audit_plural'),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='held_ms',
            field=models.BigIntegerField(blank=True, help_text='since when the reach is limited while it is not decided, ms since 1970 UTC', null=True),
        ),
    ]
