// Package wiring puts the parts of the payment service together. It is the only
// package that knows both the parts and clad: none of the parts protects itself,
// and none of them protects the others.
package wiring
