"""Why one candidate stands above another: tokens, attributes, items of the history, what-ifs."""
