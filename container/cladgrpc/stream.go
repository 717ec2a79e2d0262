package cladgrpc

import (
	"context"
	"errors"
	"io"

	"github.com/cladgo/clad/container"
	"google.golang.org/grpc"
)

// open opens a stream. When that fails, nothing was sent on it.
func (c *client) open(ctx context.Context, desc *grpc.StreamDesc, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, error) {
	var (
		a      attempts
		stream grpc.ClientStream
	)
	attempt := func(ctx context.Context) (err error) {
		if stream, err = open(ctx); err != nil {
			err = a.failed(ctx, err, func() bool { return true })
		}
		return err
	}
	p, ours := c.runner.(*container.Pipeline)
	if ours && p.Direct() {
		return open(ctx)
	}
	var err error
	if !ours {
		err = c.runner.Run(ctx, attempt)
	} else if release, failed := runIn(ctx, p, attempt); failed != nil {
		err = failed
	} else if release != nil {
		stream = &keptStream{stream, desc.ServerStreams, release}
	}
	if err != nil {
		return nil, a.end(err)
	}
	return stream, nil
}

// runIn runs attempts in a pipeline of ours, whose contexts can be kept alive.
func runIn(ctx context.Context, p *container.Pipeline, attempt func(context.Context) error) (release func(), err error) {
	call := p.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if err = attempt(call.Context()); err == nil {
			release = call.Detach()
		}
	}
	return release, err
}

// keptStream keeps the context of the attempt that opened it alive until it is
// over, as gRPC defines that: a method has failed, or the last message is there.
type keptStream struct {
	grpc.ClientStream
	several bool // messages come from the server
	release func()
}

func (s *keptStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || !s.several {
		s.release()
	}
	return err
}

func (s *keptStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if err != nil && !errors.Is(err, io.EOF) { // why it is over is then to be received
		s.release()
	}
	return err
}
