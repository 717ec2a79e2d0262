package cladgrpc

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Option changes what [UnaryClient] and [StreamClient] do.
type Option interface{ apply(*options) }

type options struct {
	repeat   func(fullMethod string) bool
	throttle *throttle // nil for none
	silent   bool
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// Repeat says which methods ("/payments.Gateway/Find") are safe to call again
// when a call may have reached the server. Without it, those that are
// [Idempotent].
func Repeat(safe func(fullMethod string) bool) Option {
	return optionFunc(func(o *options) { o.repeat = safe })
}

// Silent sends calls without the metadata that tells the server that its caller
// retries (see [UnaryFromCaller]).
func Silent() Option {
	return optionFunc(func(o *options) { o.silent = true })
}

func newOptions(opts []Option) options {
	o := options{repeat: Idempotent}
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}

// Idempotent reports whether a method ("/payments.Gateway/Find") may be called
// twice with the effect of once, as its proto file declares it with the option
// idempotency_level: NO_SIDE_EFFECTS or IDEMPOTENT. A method whose generated code
// is not part of the program is not known to be.
func Idempotent(fullMethod string) bool {
	_, level := declared(fullMethod)
	return level != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}

// declared returns what the proto file declares of a method; m is nil where it is not
// part of the program.
func declared(fullMethod string) (m protoreflect.MethodDescriptor, level descriptorpb.MethodOptions_IdempotencyLevel) {
	service, name, _ := strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil, level
	}
	of, _ := d.(protoreflect.ServiceDescriptor)
	if of == nil {
		return nil, level
	}
	if m = of.Methods().ByName(protoreflect.Name(name)); m == nil {
		return nil, level
	}
	o, _ := m.Options().(*descriptorpb.MethodOptions)
	return m, o.GetIdempotencyLevel()
}
