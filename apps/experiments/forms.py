"""Forms of the pages."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from apps.core.params import ParameterError, parsed
from apps.experiments.algorithms.assignment import N_BUCKETS
from apps.experiments.metrics import DEFAULT_GUARDRAILS, METRIC_CHOICES
from apps.experiments.models import Experiment, Layer, Variant
from apps.experiments.services import VariantSpec

MOST_VARIANTS = 4


class ExperimentForm(forms.ModelForm):
    """What an experiment asks."""

    guardrails = forms.MultipleChoiceField(
        choices=METRIC_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="the experiment stops by itself when one of these is worse for certain",
    )

    class Meta:
        model = Experiment
        fields = [
            "key",
            "hypothesis",
            "kind",
            "layer",
            "reserved",
            "primary_metric",
            "minimum_effect",
            "guardrails",
        ]
        widgets = {"hypothesis": forms.Textarea(attrs={"rows": 3})}


class VariantForm(forms.Form):
    """One variant; left empty it is none."""

    name = forms.CharField(
        max_length=24, required=False, validators=Variant._meta.get_field("name").validators
    )
    weight = forms.IntegerField(min_value=1, max_value=N_BUCKETS, initial=1)
    parameters = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="one a line, like feed.creator_cap: 3",
    )

    def clean_parameters(self) -> dict[str, object]:
        """Return the values by name."""
        try:
            return parsed(self.cleaned_data["parameters"])
        except ParameterError as error:
            raise forms.ValidationError(str(error)) from error

    def spec(self) -> VariantSpec:
        """Return the variant."""
        given = self.cleaned_data
        return VariantSpec(given["name"], given["weight"], given["parameters"])


VariantFormSet = forms.formset_factory(VariantForm, extra=MOST_VARIANTS, max_num=MOST_VARIANTS)


class CalculatorForm(forms.Form):
    """What one wants to find."""

    metric = forms.ChoiceField(choices=METRIC_CHOICES, initial="watch_seconds")
    effect = forms.FloatField(
        min_value=0.0001, max_value=10, initial=0.02, help_text="relative; 0.02 is 2 %"
    )
    traffic = forms.FloatField(
        min_value=0.0001, max_value=1, initial=0.5, help_text="share of all viewers that is in"
    )
    power = forms.FloatField(min_value=0.1, max_value=0.999, initial=0.8)


def new_experiment() -> dict[str, Any]:
    """Return what a new experiment starts from."""
    return {"layer": Layer.objects.order_by("pk").first(), "guardrails": DEFAULT_GUARDRAILS}


def variant_rows(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the stored variants as the form set takes them."""
    return [
        {
            "name": variant.name,
            "weight": variant.weight,
            "parameters": "\n".join(
                f"{name}: {json.dumps(value)}" for name, value in variant.parameters.items()
            ),
        }
        for variant in experiment.variants.order_by("position")
    ]
