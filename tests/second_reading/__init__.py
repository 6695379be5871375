"""A second reading of the contract and the definitions, by someone who had not seen Fari's code nor the oracle in tests/oracle.

Plain Python computes every metric row by row from the files of a random company, and the command line must say the same. Unlike the oracle,
which takes rows as given, this one begins with the files: their forms, corrections, `--append`, `--replace`, `--recorded` and `undo`.

Where the definitions can be read in two ways and Fari's way is as good, Fari's was taken after the two had been compared; so these are not
checked independently: media spend is of purpose acquire; a month's searches lie in no week; a person is known for scoring from its first
message with a `userId` or the `created_at` of its row; an interval of no price is no renewal; the horizon caps each row at the day it became
known; a split of acquisition spend is complete where the cost is; an account's persona is that of its earliest person, even where it has none.
"""
