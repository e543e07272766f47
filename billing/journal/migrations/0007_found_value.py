"""The count says what a note of unknown value is worth."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journal", "0006_refunds")]

    operations = [
        migrations.AddField(
            model_name="resolution",
            name="found_minor",
            field=models.BigIntegerField(help_text="what a note of unknown value was found to be worth", null=True),
        ),
    ]
