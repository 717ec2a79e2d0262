package container_test

import (
	"strconv"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// An operation is forgotten with its partitions, and not while one of them is down.
func TestPartitionsAreForgottenWithTheirOperation(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{}, container.WithMaxOperations(4))
	breaker := policy.CircuitBreaker{FailureThreshold: 1}
	for _, tt := range []struct {
		id  string
		err error
	}{{"down", errShard}, {"well", nil}} {
		r, err := o.For(tt.id, breaker)
		if err != nil {
			t.Fatal(err)
		}
		call := r.(*container.Pipeline).Begin(t.Context())
		call.Partition("host")
		for err := error(nil); call.Next(&err); {
			err = tt.err
		}
		call.End()
	}
	for i := range 100 {
		if _, err := o.For(strconv.Itoa(i), breaker); err != nil {
			t.Fatal(err)
		}
	}
	if b, ok := o.CircuitBreaker("down/host"); !ok || b.State() != policy.StateOpen {
		t.Error("an operation with a partition that is down was forgotten")
	}
	if _, ok := o.CircuitBreaker("well/host"); ok {
		t.Error("the partition of an operation that is forgotten is known")
	}
}

// A call that has begun goes on with what it has taken.
func TestACallStaysInItsPartition(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	r, err := o.For("op", policy.Combine(attempts(3), policy.CircuitBreaker{}, policy.Bulkhead{MaxConcurrent: 1}))
	if err != nil {
		t.Fatal(err)
	}
	call := r.(*container.Pipeline).Begin(t.Context())
	for err := error(nil); call.Next(&err); {
		call.Partition("late")
		err = errShard
	}
	call.End()
	b, _ := o.Bulkhead("op")
	if b.Status().InUse != 0 || len(o.Bulkheads()) != 1 {
		t.Errorf("%d permits are out, and there are %d bulkheads", b.Status().InUse, len(o.Bulkheads()))
	}
}
