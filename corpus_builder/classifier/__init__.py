"""Classifiers of text: labels, features, training, metrics, and the one interface of every model that scores documents."""
