"""Corpora of other people's texts, and the home for research that is made of them.

A reader (`enron`, `articles`, `reviews`, `panza`) turns files into texts by person, as a stream;
`people` says who has enough of them; `home` gives each chosen person an account, and `loading`
stores their texts in the same way as mail from files. Nothing here is needed to draft mail.
"""
