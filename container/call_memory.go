package container

import "github.com/cladgo/clad/internal/deadline"

// What the common policies need is held in the Call itself: a retry and a
// breaker, a timeout of the whole and one of each attempt.
const (
	inlineWords    = retryWords + 1
	inlineContexts = 2
)

// memory is what few calls need: those under a policy with more layers than a Call
// has room for, and those whose attempts fail.
type memory struct {
	words       []uint64
	ctxs        []*deadline.Context
	last        error // of the attempt before the one at hand, or before the fallback
	rehearsal   *rehearsal
	beforeRetry func() // of what the failed attempt holds, once another follows
	key         any    // of the call's arguments, where answers are kept
	old         any    // the answer that takes the place of a failure
	fellBack    bool
	hedged      *HedgedCall // the attempt at hand, where it may be hedged
}

func (c *Call) memory() *memory {
	if c.more == nil {
		c.more = new(memory)
	}
	return c.more
}

// rehearsal is that of a dry run; nil where there is none.
func (c *Call) rehearsal() *rehearsal {
	if c.more == nil {
		return nil
	}
	return c.more.rehearsal
}

// last is the error of the attempt before the one at hand, nil if there was none.
func (c *Call) last() error {
	if c.more == nil {
		return nil
	}
	return c.more.last
}

// old is the answer that takes the place of a failure, nil where none does.
func (c *Call) old() any {
	if c.more == nil {
		return nil
	}
	return c.more.old
}

func (c *Call) word(slot int32) *uint64 {
	if uint32(slot) < inlineWords {
		return &c.words[slot]
	}
	return &c.more.words[slot-inlineWords]
}

func (c *Call) context(slot int32) **deadline.Context {
	if uint32(slot) < inlineContexts {
		return &c.ctxs[slot]
	}
	return &c.more.ctxs[slot-inlineContexts]
}
