"""Turns log and catalogue into the numbers that rankers see."""
