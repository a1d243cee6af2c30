"""Fuzzing of the inspector: millions of short sessions with something wrong in them, and what must hold of each.

octets      builders for every layer
phrases     the parts of which talks are made
grammar     valid conversations of two control centres, drawn at random
trees       a message as length-prefixed nodes, one of which can be replaced with all lengths around it right
mutations   what is done to octets and to nodes
material    captures, the grammar's conversations and streams worth keeping (kept.txt), taken apart
inputs      one input from its number
setups      the inspectors that inputs are fed to: every kind of policing, usual and narrow limits
trial       one input fed, everything checked; fed in other cuts and carried on by others, and compared
cost        steps and memory, against budgets linear in the octets
shrink      a failing input made small
worker, figures, __main__   `scripts/fuzz`: many at once, summed up
guided      `scripts/fuzz --coverage`: led by coverage, with atheris
"""
