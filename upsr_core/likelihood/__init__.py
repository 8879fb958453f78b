"""The likelihood of candidate texts given an encoded history, computed once per distinct prefix."""
