"""The pages at `/ops/experiments/`, for staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.clock import now_ms, to_datetime
from apps.core.params import parameters
from apps.experiments import chart, selectors, services
from apps.experiments.forms import (
    CalculatorForm,
    ExperimentForm,
    VariantFormSet,
    new_experiment,
    variant_rows,
)
from apps.experiments.metrics import METRICS
from apps.experiments.models import Experiment
from apps.experiments.planning import plan
from apps.experiments.types import Comparison, Report
from apps.profiles.pseudonyms import pseudonym

RAMPS = (100, 500, 2500, 5000, 10_000)  # buckets: 1, 5, 25, 50, 100 %


def _staff(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    return never_cache(staff_member_required(view))


@_staff
@require_safe
def experiment_list(request: HttpRequest) -> HttpResponse:
    """Show all experiments with what is known of each, and the calculator."""
    rows = [(found, selectors.report_of(found)) for found in selectors.experiments()]
    form = CalculatorForm(request.GET if "metric" in request.GET else None)
    context: dict[str, Any] = {"rows": rows, "calculator": form}
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        context["is_planned"] = True
        context["plan"] = plan(
            given["metric"],
            effect=given["effect"],
            traffic=given["traffic"],
            target_power=given["power"],
            now_ms=now_ms(),
        )
    return render(request, "experiments/list.html", context)


@_staff
@require_http_methods(["GET", "HEAD", "POST"])
def experiment_edit(request: HttpRequest, key: str | None = None) -> HttpResponse:
    """Set up a new experiment, or change a draft."""
    experiment = get_object_or_404(Experiment, key=key) if key else Experiment()
    given = request.POST if request.method == "POST" else None
    form = ExperimentForm(given, instance=experiment, initial={} if key else new_experiment())
    rows = variant_rows(experiment) if key else [{"name": "control"}, {"name": "treatment"}]
    variants = VariantFormSet(given, initial=[{"weight": 1, **row} for row in rows])
    if given is not None and form.is_valid() and variants.is_valid():
        specs = [variant.spec() for variant in variants if variant.cleaned_data.get("name")]
        try:
            saved = services.save_draft(form.save(commit=False), specs)
        except services.ExperimentError as error:
            form.add_error(None, str(error))
        else:
            return redirect("experiment", key=saved.key)
    context = {"form": form, "variants": variants, "key": key, "parameters": parameters()}
    status = 422 if given is not None else 200
    return render(request, "experiments/edit.html", context, status=status)


@_staff
@require_safe
def experiment_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one experiment: how it stands, what it says, what can be done."""
    experiment = get_object_or_404(selectors.experiments(), key=key)
    report = selectors.report_of(experiment)
    context: dict[str, Any] = {
        "experiment": experiment,
        "report": report,
        "overrides": experiment.overrides.select_related("variant").order_by("pk"),
        "ramps": _ramps(experiment),
        "started_at": _moment(experiment.started_ms),
        "stopped_at": _moment(experiment.stopped_ms),
    }
    if report:
        context |= {
            "until": to_datetime(report.at_ms),
            "comparisons": _drawn(report.comparisons),
            "still": _without_variation(experiment, report),
            "segments": list(
                zip(
                    report.segments,
                    chart.bars([(s.low, s.difference, s.high) for s in report.segments]),
                    strict=True,
                )
            ),
        }
    return render(request, "experiments/detail.html", context)


def _ramps(experiment: Experiment) -> list[tuple[int, str]]:
    """Return the buckets that it may grow to, the fewest first, and what percentage they are."""
    steps = {*RAMPS, experiment.reserved}
    open_to = sorted(b for b in steps if experiment.ramp < b <= experiment.reserved)
    return [(buckets, f"{buckets / 100:g}") for buckets in open_to]


def _moment(at_ms: int | None) -> Any:
    return to_datetime(at_ms) if at_ms else None


def _without_variation(experiment: Experiment, report: Report) -> list[str]:
    """Return the metrics about which nothing can be said, as all viewers are alike in them."""
    if experiment.kind == Experiment.Kind.INTERLEAVING:
        return []
    said = {comparison.metric for comparison in report.comparisons}
    return [metric.label.lower() for metric in METRICS.values() if metric.name not in said]


def _drawn(comparisons: list[Comparison]) -> list[tuple[Comparison, chart.Bar, chart.Bar]]:
    """Return each comparison with its always-valid and its fixed interval on one scale."""
    drawn = []
    for c in comparisons:
        safe, fixed = chart.bars(
            [(c.safe_low, c.difference, c.safe_high), (c.low, c.difference, c.high)]
        )
        drawn.append((c, safe, fixed))
    return drawn


def _action(act: Callable[[HttpRequest, Experiment], str]) -> Callable[..., HttpResponse]:
    """Make a page of what changes an experiment: POST only, then back to it with a message."""

    @wraps(act)
    def view(request: HttpRequest, key: str) -> HttpResponse:
        experiment = get_object_or_404(Experiment, key=key)
        try:
            messages.success(request, act(request, experiment))
        except (services.ExperimentError, ValueError) as error:
            messages.error(request, str(error))
        return redirect("experiment", key=key)

    return _staff(require_POST(view))


@_action
def experiment_start(request: HttpRequest, experiment: Experiment) -> str:
    """Start a draft."""
    ramp = int(request.POST.get("ramp", ""))
    services.start(experiment.pk, ramp=ramp, now_ms=now_ms())
    return f"{experiment.key} runs on {ramp / 100:g} % of the layer's viewers."


@_action
def experiment_ramp(request: HttpRequest, experiment: Experiment) -> str:
    """Let more viewers in."""
    ramp = int(request.POST.get("ramp", ""))
    services.ramp_up(experiment.pk, ramp=ramp)
    return f"{ramp / 100:g} % of the layer's viewers are in; those who were in stay as they are."


@_action
def experiment_stop(request: HttpRequest, experiment: Experiment) -> str:
    """Stop it."""
    reason = f"by {request.user.get_username()}"
    if not services.stop(experiment.pk, reason=reason, now_ms=now_ms()):
        raise services.ExperimentError(f"{experiment.key} does not run.")
    return f"{experiment.key} is stopped; every viewer is served as without it."


@_action
def experiment_judge(request: HttpRequest, experiment: Experiment) -> str:
    """Work the results out now."""
    if experiment.status == Experiment.Status.DRAFT:
        raise services.ExperimentError("A draft has no results.")
    services.judge(experiment, now_ms=now_ms())
    return "Worked out with all that was known just now."


@_action
def experiment_force(request: HttpRequest, experiment: Experiment) -> str:
    """Let one viewer always see one variant, or take that back."""
    user_id, variant = request.POST.get("user_id", "").strip(), request.POST.get("variant", "")
    if not 1 <= len(user_id) <= 128:
        raise services.ExperimentError("Expected a user_id of 1 to 128 characters.")
    if not variant:
        services.release(experiment, pseudonym(user_id))
        return f"{user_id} is served like everybody again."
    services.force(experiment, pseudonym(user_id), variant)
    return f"{user_id} sees {variant} within a second, and is not counted."
