"""Insights: how the product does, by KPI and by case, and an alarm when it does badly."""
