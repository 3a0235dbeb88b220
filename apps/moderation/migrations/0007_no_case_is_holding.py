from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('moderation', '0006_fill_case_held'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='case',
            name='is_holding',
        ),
    ]
