package container

import (
	"cmp"
	"context"
	"sync"

	"github.com/cladgo/clad/internal/recent"
)

// DefaultMaxPartitions is how many partitions of a service are remembered, without
// [WithMaxPartitions].
const DefaultMaxPartitions = 1000

// WithMaxPartitions sets how many partitions of each service are remembered, see
// [Partition]; below 1 it is [DefaultMaxPartitions].
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
// is no partition: its calls share what the service has.
//
// So many partitions are remembered, [DefaultMaxPartitions] unless [WithMaxPartitions]
// says another number. For one more, the one makes room that was not used for longest,
// those with a breaker that is not closed last. key may be called from many goroutines
// at once, once for each call.
func Partition(key func(context.Context) string) TagOption {
	return tagOption(func(t *tagOptions) { t.partition = key })
}

// partitions are those of a service. The registry's lock is taken before theirs.
type partitions struct {
	key  func(context.Context) string
	most int

	mu      sync.Mutex
	by      *recent.Values[string, *partition]
	dropped uint64
}

// partition is what the calls of one key share.
type partition struct {
	owner *owner
	made  map[string]*partOfProgram // by operation
}

// partOfProgram is a program of the service with the state of a partition.
type partOfProgram struct {
	whole    *program
	pipeline *Pipeline
}

func newPartitions(key func(context.Context) string, most int) *partitions {
	if key == nil {
		return nil
	}
	return &partitions{key: key, most: most, by: recent.New[string](most, func(p *partition) bool { return p.owner.quiet() })}
}

// partitioned says whose partitions a program is of.
type partitioned struct {
	service *service
	binding *binding
}

// of returns the program of the partition of a call that has the whole's.
func (p *partitioned) of(ctx context.Context, whole *program, alone bool) *program {
	prog := p.program(ctx, cmp.Or(whole.hedged, whole))
	if alone && prog.alone != nil {
		return prog.alone
	}
	return prog
}

// program returns the program of the partition of a call, or the whole's.
func (p *partitioned) program(ctx context.Context, whole *program) *program {
	all := p.service.partitions
	key := all.key(ctx)
	if key == "" {
		return whole
	}
	if prog := all.find(key, whole); prog != nil {
		return prog
	}
	prog := whole
	_ = p.service.o.transact(func(tx *transaction) error {
		part := tx.partition(p.service, key)
		made := &partOfProgram{whole, &Pipeline{}}
		if before, ok := part.made[whole.operation]; ok {
			made.pipeline.answers = before.pipeline.answers
		}
		mine, err := tx.program(p.service, p.binding, part.owner, made.pipeline)
		if mine == nil || err != nil {
			return err // a reload has come between: the next call finds what is in force
		}
		tx.onCommit(func() {
			all.mu.Lock()
			defer all.mu.Unlock()
			made.pipeline.prog.Store(mine)
			part.made[whole.operation] = made
			prog = mine
		})
		return nil
	})
	return prog
}

func (all *partitions) find(key string, whole *program) *program {
	all.mu.Lock()
	defer all.mu.Unlock()
	part, ok := all.by.Get(key)
	if !ok {
		return nil
	}
	made, ok := part.made[whole.operation]
	if !ok || made.whole != whole {
		return nil
	}
	return made.pipeline.prog.Load()
}

// partition returns the one of a key, which is made known where it was not.
func (tx *transaction) partition(s *service, key string) *partition {
	all := s.partitions
	all.mu.Lock()
	defer all.mu.Unlock()
	if part, ok := all.by.Get(key); ok {
		return part
	}
	part := &partition{owner: newOwner(s.id + "/" + key), made: make(map[string]*partOfProgram)}
	part.owner.main = s.owner.main
	tx.onCommit(func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		if dropped, full := all.by.Put(key, part); full {
			all.dropped++
			dropped.owner.drop(tx.o)
		}
	})
	return part
}

// inForce calls f for every layer of the partitions. The registry is locked.
func (all *partitions) inForce(f func(*step)) {
	all.each(func(_ string, part *partition) { part.inForce(f) })
}

func (all *partitions) each(f func(key string, part *partition)) {
	if all == nil {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.by.Each(f)
}

func (part *partition) inForce(f func(*step)) {
	for _, made := range part.made {
		made.pipeline.inForce(f)
	}
}

// remembered says how many there are; nil where there are none by design.
func (all *partitions) remembered() *PartitionsHealth {
	if all == nil {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	return &PartitionsHealth{Known: all.by.Len(), Max: all.most, Dropped: all.dropped}
}
