import pytest
import torch

from sn34.errors import TrainingError
from sn34.losses import CLASS_LOSSES, MASK_LOSSES, dice, focal, iou, parse_loss


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_a_right_answer_costs_less_than_a_wrong_one(name):
    logits = torch.tensor([[4.0, 0.0, 0.0]])
    assert CLASS_LOSSES[name](logits, torch.tensor([0])) < CLASS_LOSSES[name](logits, torch.tensor([1]))


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_a_right_mask_costs_next_to_nothing_and_a_wrong_one_much(name):
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, :, :4] = 1
    logits = (mask - 0.5) * 40
    assert MASK_LOSSES[name](logits, mask) < 1e-3
    assert MASK_LOSSES[name](-logits, mask) > 0.5


def test_focal_all_but_ignores_what_is_told_apart():
    easy, hard = torch.tensor([[6.0, 0.0, 0.0]]), torch.tensor([[0.5, 0.0, 0.0]])
    label = torch.tensor([0])
    plain = torch.nn.functional.cross_entropy
    assert focal(easy, label) / plain(easy, label) < 1e-3 < focal(hard, label) / plain(hard, label)


def test_overlap_losses_are_of_each_picture_so_that_small_regions_count():
    mask = torch.zeros(2, 1, 16, 16)
    mask[0], mask[1, :, :4, :4] = 1, 1
    missed = torch.full_like(mask, -20)
    missed[0] = 20
    assert dice(missed, mask) > 0.4
    assert iou(missed, mask) > 0.4


def test_terms_are_added_with_their_weights():
    logits, mask = torch.randn(2, 1, 8, 8), torch.ones(2, 1, 8, 8)
    expected = MASK_LOSSES["bce"](logits, mask) + 0.5 * dice(logits, mask)
    assert parse_loss("bce + 0.5*dice", "mask")(logits, mask) == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("text", "task"), [("dice", "image"), ("focal", "mask"), ("hinge", "image"), ("x*bce", "mask")]
)
def test_a_loss_that_does_not_fit_is_refused_by_name(text, task):
    with pytest.raises(TrainingError, match="loss"):
        parse_loss(text, task)
