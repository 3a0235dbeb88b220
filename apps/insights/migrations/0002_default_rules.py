from django.db import migrations

# name, metric, kind, direction, threshold, relative, minimum volume, ticks
RULES = [
    ("Events are unlike this hour of other weeks", "events_5m", "seasonal", "either", 4.6, 0.25, 50, 2),
    ("Clicks per view fall", "ctr_5m", "seasonal", "below", 3.7, 0.05, 100, 2),
    ("Completed views fall", "completion_5m", "seasonal", "below", 3.7, 0.1, 100, 2),
    ("Skips rise", "skip_rate_5m", "seasonal", "above", 3.7, 0.1, 100, 2),
    ("Reports rise", "report_rate_5m", "seasonal", "above", 4, 1.0, 100, 2),
    ("No events at all", "events_5m", "missing", "below", 0, 0, 20, 2),
    ("A consumer is behind", "consumer_lag_seconds", "threshold", "above", 600, 0, 1, 2),
    ("Many events are refused or wait", "quarantine_size", "threshold", "above", 1000, 0, 1, 3),
    ("The model is old", "bundle_age_hours", "threshold", "above", 72, 0, 1, 3),
    ("Daily viewers fall", "dau", "seasonal", "below", 4, 0.15, 1, 1),
]


def make_rules(apps, schema_editor):
    rule = apps.get_model("insights", "AlertRule")
    for name, metric, kind, direction, threshold, relative, volume, ticks in RULES:
        rule.objects.get_or_create(
            name=name,
            defaults={
                "metric": metric,
                "kind": kind,
                "direction": direction,
                "threshold": threshold,
                "relative": relative,
                "minimum_volume": volume,
                "ticks": ticks,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("insights", "0001_initial")]

    operations = [migrations.RunPython(make_rules, migrations.RunPython.noop)]
