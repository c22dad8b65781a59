"""What leaves the house: deliveries to a company's systems and message cards to its group robots."""
