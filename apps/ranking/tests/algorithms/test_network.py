"""The network: by hand, against finite differences, and against what scikit-learn learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from apps.ranking.algorithms import adam
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.algorithms.network import Batch, Params, Shape, forward, gradients, initial


def plain(x: NDArray) -> Batch:
    return Batch(x, np.empty((len(x), 0), np.int64))


def train(
    params: Params,
    shape: Shape,
    batch: Batch,
    y: NDArray,
    steps: int,
    rate: float,
    **penalties: Any,
) -> None:
    m = {name: np.zeros_like(w) for name, w in params.items()}
    v = {name: np.zeros_like(w) for name, w in params.items()}
    for t in range(1, steps + 1):
        found = gradients(params, shape, batch, y, **penalties)
        for name, gradient in found.dense.items():
            adam.step(params[name], m[name], v[name], gradient, rate=rate, t=t)
        for name, (rows, gradient) in found.rows.items():
            adam.lazy_step(params[name], m[name], v[name], rows, gradient, rate=rate, t=t)


class TestForward:
    def test_net_of_2_2_1_is_worked_out_by_hand(self) -> None:
        shape = Shape((), n_dense=2, n_heads=1, hidden=(2,), slope=0.0)
        params = {
            "W0": np.array([[1.0, -1.0], [2.0, 0.5]]),
            "b0": np.array([0.5, 0.0]),
            "W1": np.array([[0.3], [0.7]]),
            "b1": np.array([-1.0]),
        }
        # h = ReLU([1·1 + 2·2 + 0.5, −1 + 1]) = [5.5, 0]; z = 0.3·5.5 − 1 = 0.65
        passed = forward(params, shape, plain(np.array([[1.0, 2.0]])))
        assert passed.logits[0, 0] == pytest.approx(0.65)

    def test_products_of_the_viewer_with_the_others_stand_beside_them(self) -> None:
        shape = Shape((("viewer", 3, 1), ("content", 3, 1)), 1, 1, dim=2)
        params = initial(shape, np.random.default_rng(0), np.float64)
        x = forward(params, shape, Batch(np.array([[9.0]]), np.array([[1, 2]]))).hidden[0][0]
        viewer, content = params["viewer"][1], params["content"][2]
        np.testing.assert_allclose(x, [9, *viewer, *content, viewer @ content])

    def test_several_ids_of_a_field_are_averaged_and_unknown_ones_left_out(self) -> None:
        shape = Shape((("tag", 5, 3),), 0, 1, dim=2)
        params = initial(shape, np.random.default_rng(0), np.float64)
        ids = np.array([[1, 0, 4], [0, 0, 0]])
        embedded = forward(params, shape, Batch(np.empty((2, 0)), ids)).embedded[:, 0]
        np.testing.assert_allclose(embedded[0], (params["tag"][1] + params["tag"][4]) / 2)
        np.testing.assert_allclose(embedded[1], params["tag"][0])

    def test_renumbering_ids_with_their_rows_changes_nothing(self) -> None:
        shape = Shape((("viewer", 8, 1), ("content", 8, 1)), 3, 2)
        rng = np.random.default_rng(0)
        params = initial(shape, rng, np.float64)
        batch = Batch(rng.normal(size=(9, 3)), rng.integers(0, 8, (9, 2)))
        number = rng.permutation(8)
        renamed = params | {"viewer": params["viewer"][np.argsort(number)]}
        ids = np.stack([number[batch.ids[:, 0]], batch.ids[:, 1]], axis=1)
        before = forward(params, shape, batch).logits
        np.testing.assert_array_equal(
            forward(renamed, shape, Batch(batch.dense, ids)).logits, before
        )


class TestGradients:
    SHAPE = Shape((("viewer", 6, 1), ("content", 5, 1), ("tag", 7, 3)), 4, 3, dim=3, hidden=(6, 4))

    def make(self) -> tuple[Params, Batch, NDArray]:
        rng = np.random.default_rng(3)
        params = initial(self.SHAPE, rng, np.float64)
        params = {name: w + 0.3 * rng.normal(size=w.shape) for name, w in params.items()}
        ids = np.concatenate(
            [rng.integers(0, 6, (12, 1)), rng.integers(0, 5, (12, 1)), rng.integers(0, 7, (12, 3))],
            axis=1,
        )
        y = (rng.random((12, 3)) < 0.4).astype(float)
        y[2, 1] = np.nan
        return params, Batch(rng.normal(size=(12, 4)), ids), y

    @pytest.mark.parametrize(
        "name", ["W0", "b0", "W1", "b1", "W2", "b2", "viewer", "content", "tag"]
    )
    def test_they_are_the_finite_differences(self, name: str) -> None:
        params, batch, y = self.make()
        penalties = {"l2": 0.01, "l2_rows": 0.02}
        found = gradients(params, self.SHAPE, batch, y, **penalties)
        expected = np.zeros_like(params[name])
        for at in np.ndindex(expected.shape):
            up, down = (params | {name: params[name].copy()} for _ in range(2))
            up[name][at] += 1e-5
            down[name][at] -= 1e-5
            losses = [gradients(p, self.SHAPE, batch, y, **penalties).loss for p in (up, down)]
            expected[at] = (losses[0] - losses[1]) / 2e-5
        ours = found.dense.get(name, np.zeros_like(expected))
        if name in found.rows:
            rows, values = found.rows[name]
            ours[rows] = values
        assert np.abs(ours - expected).max() < 1e-5 * np.abs(expected).max()

    def test_l2_adds_twice_lambda_times_the_weights_and_nothing_to_biases(self) -> None:
        params, batch, y = self.make()
        without = gradients(params, self.SHAPE, batch, y, l2=0)
        with_l2 = gradients(params, self.SHAPE, batch, y, l2=0.125)
        for weight, bias in self.SHAPE.layers:
            added = with_l2.dense[weight] - without.dense[weight]
            np.testing.assert_allclose(added, 0.25 * params[weight], atol=1e-15)
            np.testing.assert_array_equal(with_l2.dense[bias], without.dense[bias])

    def test_rows_are_those_of_the_batch(self) -> None:
        params, batch, y = self.make()
        rows, _ = gradients(params, self.SHAPE, batch, y, l2=0).rows["viewer"]
        assert rows.tolist() == np.unique(batch.ids[:, 0]).tolist()


class TestAgainstOthers:
    def test_without_hidden_layers_it_is_logistic_regression(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(400, 3))
        y = (rng.random(400) < sigmoid(x @ np.array([1.0, -2.0, 0.5]) + 0.3)).astype(float)
        shape = Shape((), n_dense=3, n_heads=1, hidden=())
        params = initial(shape, rng, np.float64)
        train(params, shape, plain(x), y[:, None], 2000, 0.02, l2=0.0)
        peer = LogisticRegression(C=np.inf, tol=1e-10).fit(x, y)
        np.testing.assert_allclose(params["W0"].ravel(), peer.coef_.ravel(), atol=1e-3)
        np.testing.assert_allclose(params["b0"], peer.intercept_, atol=1e-3)

    def test_fifty_steps_of_an_identity_net_are_those_of_sklearn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # sklearn adds ε before the correction of the bias: one too small to tell the two apart.
        monkeypatch.setattr(adam, "EPSILON", 1e-14)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(64, 5))
        y = (x[:, 0] * x[:, 1] > 0).astype(float)
        shape = Shape((), n_dense=5, n_heads=1, hidden=(4, 3), slope=1.0)
        params = initial(shape, rng, np.float64)

        class Given(MLPClassifier):
            """Starts where our network starts."""

            layers = iter([(params[w].copy(), params[b].copy()) for w, b in shape.layers])

            def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
                return next(self.layers)

        peer = Given(
            (4, 3),
            activation="identity",
            alpha=0.064,
            epsilon=1e-14,
            batch_size=64,
            learning_rate_init=0.01,
            max_iter=50,
            shuffle=False,
            n_iter_no_change=1000,
        )
        with pytest.warns(UserWarning, match="Maximum iterations"):
            peer.fit(x, y)
        # sklearn's penalty is α/2 · Σ‖W‖² / n
        train(params, shape, plain(x), y[:, None], 50, 0.01, l2=0.064 / 2 / 64)
        for (weight, bias), theirs, their_bias in zip(
            shape.layers, peer.coefs_, peer.intercepts_, strict=True
        ):
            np.testing.assert_allclose(params[weight], theirs, atol=1e-6)
            np.testing.assert_allclose(params[bias], their_bias, atol=1e-6)

    def test_it_learns_who_likes_which_topic_where_no_line_can(self) -> None:
        # Viewers of one kind like contents of their kind: exclusive or, of ids alone.
        rng = np.random.default_rng(0)
        ids = rng.integers(1, 41, (6000, 2))
        y = (ids[:, 0] % 2 == ids[:, 1] % 2).astype(np.float32)
        shape = Shape((("viewer", 41, 1), ("content", 41, 1)), 0, 1, dim=4, hidden=(16, 8))
        params = initial(shape, rng)
        known, asked = ids[:5000], ids[5000:]
        batch = Batch(np.empty((5000, 0), np.float32), known)
        train(params, shape, batch, y[:5000, None], 150, 0.02, l2=0.0)
        logits = forward(params, shape, Batch(np.empty((1000, 0), np.float32), asked)).logits[:, 0]
        assert roc_auc_score(y[5000:], logits) > 0.9
        one_hot = np.concatenate([np.eye(41)[ids[:, 0]], np.eye(41)[ids[:, 1]]], axis=1)
        line = LogisticRegression().fit(one_hot[:5000], y[:5000])
        assert roc_auc_score(y[5000:], line.decision_function(one_hot[5000:])) < 0.55
