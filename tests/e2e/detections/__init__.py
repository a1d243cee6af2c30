"""What an ICCP inspector must detect: for each signature talks that fire it, and others as near as can be that do not.

talks     what two peers say to each other, and what becomes of each message
words     the PDUs they say it with
policy    the policies they say it under
table     Case
peers     ranks 1, 5, 10: who connects, and how often
access    ranks 2, 3, 9: what is asked for
form      ranks 4, 6, 7: how it is said
contents  ranks 8, 11, 12: what is reported and answered
actions   what is done about it: messages denied, sessions ended
bare      plays talks to the inspector alone
live      plays them through a pair

Signatures go by their numbers: those of rank 3 are 6203xx.
"""
