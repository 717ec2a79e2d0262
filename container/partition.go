package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/printable"
	"github.com/cladgo/clad/internal/recent"
)

// DefaultMaxPartitions is how many partitions of a service, or of an operation, are
// remembered, without [WithMaxPartitions].
const DefaultMaxPartitions = 1000

// WithMaxPartitions sets how many partitions of each service, and of each operation,
// are remembered, see [Partition]; below 1 it is [DefaultMaxPartitions].
func WithMaxPartitions(n int) Option {
	return optionFunc(func(o *options) {
		if n >= 1 {
			o.partitions = n
		}
	})
}

// Partition has the calls of the tagged service share breakers, limiters and bulkheads
// with those of the same key only: a tenant, a shard, a host, as the caller's context
// has it. One tenant that is down or too eager is not the others' trouble. It concerns
// those without a name; what is named is shared by all that name it.
//
// They go by the service's name and the key, "payments.Gateway/tenant-7", in errors,
// events and listings; operations and metrics of them are the service's. An empty key
// is no partition: its calls share what the service has. For a key that is an argument
// see //clad:key of clad gen, and [Call.Partition].
//
// So many partitions are remembered, [DefaultMaxPartitions] unless [WithMaxPartitions]
// says another number. For one more, one makes room that was not used of late; one with
// a breaker that is not closed, if all are that were not. One with calls in its
// bulkheads, or whose breaker somebody has forced, is always remembered. key may be
// called from many goroutines at once, once for each call.
func Partition(key func(context.Context) string) TagOption {
	return tagOption(func(t *tagOptions) { t.partition = key })
}

// Partition says of which partition of the service, or the operation, the call is, as
// the tag option [Partition] does by the context: where both say something, the call
// is of the partition of both, "orders.Store/tenant-7/shard-2". An empty key says
// nothing. It is called before the first Next; later it says nothing either.
func (c *Call) Partition(key string) {
	if c.prog != nil && c.prog.partitioned != nil && key != "" && c.phase == begun {
		c.prog = c.prog.partitioned.program(c, key)
	}
}

// partitions are those of an owner.
type partitions struct {
	o     *Orchestrator
	whole *owner
	key   func(context.Context) string                            // nil where only calls themselves say
	by    atomic.Pointer[recent.Values[partitionKey, *partition]] // nil until there is one

	// Of those that have made room; the registry's lock guards both.
	dropped uint64
	forgot  clock.Nanos // when the last did
}

// partitionKey is what says of which partition a call is.
type partitionKey struct{ context, call string }

// partition is what the calls of one key share.
type partition struct {
	key   partitionKey
	owner *owner
	made  atomic.Pointer[map[*Pipeline]*Pipeline] // by those of the whole; is replaced, not changed
}

// inPartition is that which a breaker, a limiter or a bulkhead has that may be a
// partition's.
type inPartition struct{ whole *owner }

// belong says whose it is, before it is used.
func (p *inPartition) belong(to *owner) { p.whole = to.whole }

// PartitionOf returns the service or operation of a partition of which this is the
// state; it is empty for what is no partition's. Of such there may be as many as there
// are tenants or hosts: who counts in series counts them together.
func (p *inPartition) PartitionOf() string {
	if p.whole == nil {
		return ""
	}
	return p.whole.name
}

// partitioned are the partitions of a pipeline, and how their programs are made: with
// the state of an owner, for a pipeline of the partition's own.
type partitioned struct {
	all     *partitions
	whole   *Pipeline
	compile func(*transaction, *owner, *Pipeline) (*program, error)
}

func newPartitions(o *Orchestrator, whole *owner, key func(context.Context) string) *partitions {
	return &partitions{o: o, whole: whole, key: key}
}

// bind compiles a pipeline of an owner, and those of its partitions.
func (tx *transaction) bind(w *owner, whole *Pipeline, compile func(*transaction, *owner, *Pipeline) (*program, error)) error {
	prog, err := compile(tx, w, whole)
	if err != nil {
		return err
	}
	p := &partitioned{w.parts, whole, compile}
	for prog := range prog.versions {
		prog.partitioned, prog.byContext = p, w.parts.key != nil
	}
	tx.onCommit(func() { whole.prog.Store(prog) })
	return p.reload(tx)
}

// program returns the program of the partition of a call, or the whole's.
func (p *partitioned) program(c *Call, key string) *program {
	k := partitionKey{call: bounded(key)}
	if p.all.key != nil {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		k.context = bounded(p.all.key(c.ctx))
	}
	if k == (partitionKey{}) {
		return c.prog
	}
	prog := p.of(k, c.prog)
	if c.alone && prog.alone != nil {
		return prog.alone
	}
	return prog
}

// of returns the program of a partition in the place of the whole's.
func (p *partitioned) of(k partitionKey, whole *program) *program {
	if prog := p.find(k); prog != nil {
		return prog
	}
	return p.make(k, whole)
}

func (p *partitioned) find(k partitionKey) *program {
	part, ok := p.all.by.Load().Get(k)
	if !ok {
		return nil
	}
	made := part.pipeline(p.whole)
	if made == nil {
		return nil
	}
	return made.prog.Load()
}

// make makes what a partition does not have yet.
func (p *partitioned) make(k partitionKey, whole *program) *program {
	prog := whole
	_ = p.all.o.transact(func(tx *transaction) error {
		part := tx.partition(p.all, k)
		pipeline := part.pipeline(p.whole)
		if pipeline == nil {
			pipeline = &Pipeline{counters: p.whole.counters}
		}
		mine, err := p.programFor(tx, part, pipeline)
		if mine == nil || err != nil {
			return err // a reload has come between: the next call finds what is in force
		}
		tx.onCommit(func() {
			pipeline.prog.Store(mine)
			part.add(p.whole, pipeline)
			prog = mine
		})
		return nil
	})
	return prog
}

func (p *partitioned) programFor(tx *transaction, part *partition, pipeline *Pipeline) (*program, error) {
	prog, err := p.compile(tx, part.owner, pipeline)
	for prog := range prog.versions {
		prog.partition = part
	}
	return prog, err
}

// partition returns the one of a key, which is made known where it was not.
func (tx *transaction) partition(all *partitions, k partitionKey) *partition {
	if part, ok := all.by.Load().Get(k); ok {
		return part
	}
	k = partitionKey{strings.Clone(k.context), strings.Clone(k.call)} // and not what they were cut out of
	part := &partition{key: k, owner: &owner{name: all.whole.name + "/" + k.String(), whole: all.whole}}
	tx.onCommit(func() {
		for _, dropped := range all.room().Put(k, part) {
			dropped.owner.drop(tx.o)
			all.dropped++
			all.forgot = clock.Now()
		}
	})
	return part
}

// room is for transactions: most owners never have a partition.
func (all *partitions) room() *recent.Values[partitionKey, *partition] {
	if all.by.Load() == nil {
		all.by.Store(recent.New[partitionKey](all.o.maxPartitions, (*partition).worth))
	}
	return all.by.Load()
}

// String is what a partition's name has after the whole's.
func (k partitionKey) String() string {
	between := ""
	if k.context != "" && k.call != "" {
		between = "/"
	}
	return printable.Text(k.context + between + k.call)
}

// bounded keeps a key from taking more memory than a name may need: callers may be told
// by others what it is.
func bounded(key string) string {
	const longest = 128
	if len(key) <= longest {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return key[:longest/2] + "..." + hex.EncodeToString(sum[:16])
}

func (p *partition) pipeline(whole *Pipeline) *Pipeline {
	made := p.made.Load()
	if made == nil {
		return nil
	}
	return (*made)[whole]
}

// add is for commits.
func (p *partition) add(whole, pipeline *Pipeline) {
	made := make(map[*Pipeline]*Pipeline)
	if known := p.made.Load(); known != nil {
		maps.Copy(made, *known)
	}
	made[whole] = pipeline
	p.made.Store(&made)
}

// worth says what is lost if a partition is forgotten.
func (p *partition) worth() recent.Worth {
	switch {
	case p.owner.inUse():
		return recent.Everything
	case p.owner.quiet():
		return recent.Nothing
	}
	return recent.Something
}

// reload compiles the programs of the partitions anew, whose pipelines are those of p.
func (p *partitioned) reload(tx *transaction) error {
	var failed error
	p.all.by.Load().Each(func(_ partitionKey, part *partition) {
		pipeline := part.pipeline(p.whole)
		if pipeline == nil || failed != nil {
			return
		}
		var mine *program
		mine, failed = p.programFor(tx, part, pipeline)
		tx.onCommit(func() { pipeline.prog.Store(mine) })
	})
	return failed
}

// complete reports whether the partitions that there are may be taken for all: none
// was forgotten of late.
func (all *partitions) complete() bool {
	return all.dropped == 0 || clock.Now().Sub(all.forgot) > time.Minute
}

// remembered says how many there are; nil where no call has said that it is of one, nor
// its context can.
func (all *partitions) remembered() *PartitionsHealth {
	if all.key == nil && all.by.Load().Len() == 0 {
		return nil
	}
	return &PartitionsHealth{Known: all.by.Load().Len(), Max: all.o.maxPartitions, Dropped: all.dropped}
}

// each calls f for each partition. The registry is locked.
func (all *partitions) each(f func(*partition)) {
	if all != nil {
		all.by.Load().Each(func(_ partitionKey, part *partition) { f(part) })
	}
}

func (all *partitions) inForce(f func(*step)) {
	all.each(func(part *partition) { part.inForce(f) })
}

// inForce calls f for every layer of a partition.
func (p *partition) inForce(f func(*step)) {
	if made := p.made.Load(); made != nil {
		for _, pipeline := range *made {
			pipeline.inForce(f)
		}
	}
}
