package cladgrpc

import (
	"fmt"
	"sync"

	"github.com/cladgo/clad/policy"
)

// RetryThrottling stops retries while a server fails more than it succeeds, by the
// rule of the service config of that name (gRFC A6). There are maxTokens at first,
// and no more ever; an attempt that fails takes one, one that succeeds adds
// tokenRatio, and with half of them or fewer nothing is attempted again: the error
// comes out as it was. gRPC does not tell interceptors what a connection's service
// config says, so it is to be said once more here:
//
//	grpc.WithDefaultServiceConfig(`{"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}}`)
//	cladgrpc.RetryThrottling(10, 0.1)
//
// The option holds the tokens: one that is given to several interceptors is one
// count for all, and that of a connection is for both of its interceptors. It panics
// where a value is not above 0 or maxTokens is above 1000, which gRPC refuses too.
func RetryThrottling(maxTokens, tokenRatio float64) Option {
	if !(maxTokens > 0 && maxTokens <= 1000 && tokenRatio > 0) {
		panic(fmt.Sprintf("cladgrpc.RetryThrottling(%v, %v): maxTokens must be above 0 and no more than 1000, tokenRatio above 0", maxTokens, tokenRatio))
	}
	t := &throttle{most: maxTokens, ratio: tokenRatio, tokens: maxTokens}
	return optionFunc(func(o *options) { o.throttle = t })
}

// throttle is the bucket of a service config's retryThrottling. A nil one never
// throttles.
type throttle struct {
	most, ratio float64
	mu          sync.Mutex
	tokens      float64
}

func (t *throttle) succeeded() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = min(t.tokens+t.ratio, t.most)
}

// failed takes a token for an attempt that failed, and reports whether there is to
// be no other.
func (t *throttle) failed(m meaning) (throttled bool) {
	if t == nil || m.verdict == policy.Answered || m.verdict == policy.Refused {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = max(t.tokens-1, 0)
	return t.tokens <= t.most/2
}
