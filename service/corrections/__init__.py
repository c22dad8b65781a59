"""What people say against the model: trainers' corrections, reps' appeals, and the labelled data and agreement that come of them."""
