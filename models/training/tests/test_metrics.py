import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from sn34.metrics import calibration, confusion, detector_scores, fit_temperature, mask_iou, matthews


def test_matthews_is_scikit_learns_which_validators_use():
    rng = np.random.default_rng(1)
    for classes in (2, 3):
        labels, answers = rng.integers(classes, size=(2, 200))
        expected = matthews_corrcoef(labels, answers)
        assert matthews(confusion(labels, answers, classes)) == pytest.approx(expected, abs=1e-12)


def test_only_one_class_seen_scores_nothing():
    labels = np.zeros(10, np.int64)
    assert matthews(confusion(labels, labels, 3)) == 0


def test_binary_mcc_goes_by_the_argmax_not_by_the_sum_of_fakes():
    scores = detector_scores(np.array([[0.4, 0.3, 0.3], [0.5, 0.25, 0.25], [0.1, 0.9, 0]]), np.array([2, 0, 1]))
    assert scores["binary_mcc"] == pytest.approx(0.5)
    assert scores["reward"] == pytest.approx(0.75 * scores["binary_mcc"] + 0.25 * scores["multi_mcc"])


def test_mask_iou_counts_pixels_strictly_above_the_threshold():
    truth = np.array([[True, True], [False, False]])
    assert mask_iou(np.array([[0.9, 0.5], [0.6, 0.0]]), truth) == pytest.approx(1 / 3)
    assert np.isnan(mask_iou(np.zeros((2, 2)), np.zeros((2, 2), bool)))


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(2)
    honest = rng.normal(0, 2, (4000, 3))
    powers = np.exp(honest)
    labels = np.array([rng.choice(3, p=row / row.sum()) for row in powers])
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.1)
    assert fit_temperature(np.eye(3)[labels[:60]] * 8, labels[:60]) > 1
    _, error = calibration(powers / powers.sum(axis=1, keepdims=True), labels)
    assert error < 0.03
