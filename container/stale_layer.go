package container

import (
	"reflect"
	"sync"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/recent"
	"github.com/cladgo/clad/policy"
)

// maxAnswers is how many answers of a method are kept.
const maxAnswers = 1000

// lastAnswers are the last good answers of a method, by its arguments.
type lastAnswers struct {
	mu sync.Mutex // held to put one
	by *recent.Values[any, answerAt]
}

type answerAt struct {
	answer any
	at     clock.Nanos
}

func newLastAnswers() *lastAnswers {
	return &lastAnswers{by: recent.New[any, answerAt](maxAnswers, nil)}
}

// Keeps reports whether the last good answers of the method are kept, for failures to
// come: see [policy.Stale]. Generated proxies of methods that read ask it first, and
// say what the answer is to:
//
//	call := pipeline.Begin(ctx)
//	defer call.End()
//	if call.Keeps() {
//		call.Key(id)
//	}
//	for call.Next(&err) {
//		order, err = next.Find(call.Context(), id)
//	}
//	if err == nil && call.Keeps() {
//		order = container.LastGood(&call, order)
//	}
func (c *Call) Keeps() bool { return c.prog != nil && c.prog.answers != nil }

// Key says what is asked: the arguments, which are compared by ==. It is called before
// the first Next.
func (c *Call) Key(arguments any) {
	if v := reflect.ValueOf(arguments); v.IsValid() && v.Comparable() {
		c.memory().key = arguments
	}
}

// LastGood returns the answer to give to the caller of a call that succeeded: the fresh
// one, which it keeps, or an old one in the place of a failure.
func LastGood[R any](c *Call, fresh R) R {
	if c.more == nil {
		return fresh
	}
	if old, ok := c.more.old.(R); ok {
		return old
	}
	if c.more.key != nil && !c.more.fellBack {
		c.prog.answers.put(c.more.key, fresh)
	}
	return fresh
}

func (l *lastAnswers) put(key, answer any) {
	now := clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by.Put(key, answerAt{answer, now})
}

func (l *lastAnswers) get(key any) (answerAt, bool) { return l.by.Get(key) }

// serveStale has the last good answer take the place of a failure, if there is one and
// it is no older than the layer allows. To a circuit breaker around it that says
// nothing.
func (c *Call) serveStale(s *step, err error) bool {
	if c.prog.answers == nil || c.more == nil || c.more.key == nil || c.deferred {
		return false
	}
	if c.means.Verdict == policy.Answered || c.means.Verdict == policy.Refused || c.callerOver() != nil {
		return false
	}
	last, ok := c.prog.answers.get(c.more.key)
	age := clock.Now().Sub(last.at)
	if !ok || age > s.timeout {
		return false
	}
	if c.kept {
		c.release(0)
	}
	c.more.old = last.answer
	c.means, c.unsent, c.began, c.now = verdict.Meaning{Neutral: true}, false, 0, 0
	c.prog.counters.Count(countStale)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, ServedStale{c.prog.operation, age, err})
	}
	return true
}

// keepAnswers has a program keep the answers of its pipeline, where its policy wants
// them. It is for transactions.
func (p *Pipeline) keepAnswers(prog *program) {
	wanted := false
	prog.each(func(s *step) { wanted = wanted || s.kind == staleLayer })
	if !wanted {
		return
	}
	if p.answers == nil {
		p.answers = newLastAnswers()
	}
	prog.answers = p.answers
	prog.each(func(s *step) {
		if s.kind == hedgeLayer {
			s.hedge().within.answers = p.answers
		}
	})
}
