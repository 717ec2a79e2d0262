package cladtest

var (
	Sentence    = sentence
	OperationOf = operationOf
)
