package cladgrpc

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// opener opens a stream with these options.
type opener func(context.Context, []grpc.CallOption) (grpc.ClientStream, error)

// open opens a stream. When that fails, nothing was sent on it.
func (c client) open(ctx context.Context, desc *grpc.StreamDesc, opts []grpc.CallOption, open opener) (stream grpc.ClientStream, err error) {
	if c.direct() {
		return open(c.tell(ctx, retries{}), opts)
	}
	if p, ours := c.runner.(*container.Pipeline); ours {
		return c.openIn(ctx, p, desc, opts, open)
	}
	err = run(ctx, c.runner, func(ctx context.Context, _ retries) (m meaning, err error) {
		d := delivery{link: c.link, throttle: c.throttle, began: clock.Now()}
		if stream, err = open(c.tell(ctx, retries{}), d.observe(opts)); err != nil {
			m, err = d.judge(ctx, err)
		}
		return m, err
	})
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// openIn opens a stream in a pipeline of ours, which can be told of its end.
func (c client) openIn(ctx context.Context, p *container.Pipeline, desc *grpc.StreamDesc, opts []grpc.CallOption, open opener) (stream grpc.ClientStream, err error) {
	call := p.BeginAlone(ctx)
	defer call.End()
	for call.Next(&err) {
		s := &guardedStream{several: desc.ServerStreams, ctx: call.Context()}
		s.sent.link, s.sent.throttle, s.sent.began = c.link, c.throttle, clock.Now()
		s.ClientStream, err = open(c.tell(s.ctx, retries{}), append(s.sent.observe(opts), grpc.OnFinish(s.finished)))
		if err != nil {
			var m meaning
			m, err = s.sent.judge(s.ctx, err)
			m.tell(&call)
			continue
		}
		s.release = call.Detach()
		call.Defer(&s.outcome)
		s.isOpen()
		stream = s
	}
	if err != nil {
		return nil, withStatus(err)
	}
	return stream, nil
}

// guardedStream is judged by its first message, or by its end where that comes
// first. It keeps the context of the attempt that opened it alive until it is
// over, as gRPC defines that: a method has failed, or the last message is there.
type guardedStream struct {
	grpc.ClientStream
	several bool // messages come from the server
	ctx     context.Context
	release func()
	sent    delivery

	open  atomic.Bool
	early atomic.Pointer[error] // how it ended, perhaps before it was open

	judge   sync.Once
	outcome container.Pending
	failed  error // what it was judged by
	told    error // and as the policy has it
}

func (s *guardedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	switch {
	case err == nil:
		s.conclude(nil)
		if !s.several {
			s.release()
		}
		return nil
	case errors.Is(err, io.EOF):
		_ = s.end(nil)
		return err
	}
	return s.end(err)
}

func (s *guardedStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if err != nil && !errors.Is(err, io.EOF) { // why it is over is then to be received
		return s.end(err)
	}
	return err
}

// finished hears from gRPC that the stream is over: also of one that was given
// up, and will not be received from.
func (s *guardedStream) finished(err error) {
	s.early.Store(&err)
	if s.open.Load() {
		_ = s.end(err)
	}
}

func (s *guardedStream) isOpen() {
	s.open.Store(true)
	if err := s.early.Load(); err != nil {
		_ = s.end(*err)
	}
}

// end ends the stream, and returns the error that it ends with.
func (s *guardedStream) end(err error) error {
	s.conclude(err)
	s.release()
	if s.told != nil && status.Code(err) == status.Code(s.failed) {
		return s.told
	}
	return err
}

// conclude judges the stream, once.
func (s *guardedStream) conclude(err error) {
	s.judge.Do(func() {
		if s.failed = err; err == nil {
			s.sent.succeeded()
			_ = s.outcome.Finish(nil, policy.Unknown)
			return
		}
		m, err := s.sent.judge(s.ctx, err)
		if m.known {
			err = s.outcome.Leave(err)
		} else {
			err = s.outcome.Finish(err, m.verdict)
		}
		s.told = withStatus(err)
	})
}
