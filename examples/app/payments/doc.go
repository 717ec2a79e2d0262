// Package payments is the domain: what a payment is, how it is made and paid
// back, and what it needs of the world. It declares how its work is to be
// protected ([PaymentProcessor.ResiliencePolicy]) and knows nothing of who does
// that: of clad it imports package policy alone, and of the world nothing.
package payments
