package cladredis

import (
	"context"
	"net"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

// What a profile may choose a policy for, besides single commands.
const (
	read        = "Read"
	write       = "Write"
	pipeline    = "Pipeline"
	transaction = "Transaction"
)

// hook puts the policies around what a client does.
type hook struct {
	methods                   container.Methods
	read, write               *container.Pipeline
	pipeline, pipelineOnce    *container.Pipeline
	transaction, transactOnce *container.Pipeline
}

func newHook(m container.Methods) *hook {
	return &hook{
		methods:  m,
		read:     m.Safe(read),
		write:    m.Once(write),
		pipeline: m.Safe(pipeline), pipelineOnce: m.Once(pipeline),
		transaction: m.Safe(transaction), transactOnce: m.Once(transaction),
	}
}

// DialHook leaves connecting to the commands that need it: it is part of their
// attempts.
func (h *hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook guards a command.
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		p := h.of(cmd)
		if p.Direct() || handshakes[cmd.Name()] {
			return next(ctx, cmd)
		}
		call := p.Begin(ctx)
		defer call.End()
		var err error
		for call.Next(&err) {
			err = next(call.Context(), cmd)
		}
		return err
	}
}

// of finds the pipeline of a command.
func (h *hook) of(cmd redis.Cmder) *container.Pipeline {
	if chosen := h.methods.Chosen(commandNames[cmd.Name()]); chosen != nil {
		return chosen
	}
	if repeatable(cmd) {
		return h.read
	}
	return h.write
}

// ProcessPipelineHook guards a pipeline, and what is between MULTI and EXEC.
func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 && cmds[0].Name() == "multi" {
			return guard(ctx, pick(cmds, h.transaction, h.transactOnce), cmds, next)
		}
		return guard(ctx, pick(cmds, h.pipeline, h.pipelineOnce), cmds, next)
	}
}

// handshakes are the commands with which the client makes a new connection ready,
// through its hooks, in the middle of the attempt that needs one.
var handshakes = setOf("hello auth client select readonly readwrite")

func all(cmds []redis.Cmder, set map[string]bool) bool {
	return !slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return !set[cmd.Name()] })
}

// pick chooses by whether all commands may be repeated.
func pick(cmds []redis.Cmder, safe, once *container.Pipeline) *container.Pipeline {
	for _, cmd := range cmds {
		if name := cmd.Name(); !repeatable(cmd) && name != "multi" && name != "exec" {
			return once
		}
	}
	return safe
}

func guard(ctx context.Context, p *container.Pipeline, cmds []redis.Cmder, next redis.ProcessPipelineHook) error {
	if p.Direct() || all(cmds, handshakes) {
		return next(ctx, cmds)
	}
	call := p.Begin(ctx)
	defer call.End()
	var err, own error
	for call.Next(&err) {
		for _, cmd := range cmds {
			cmd.SetErr(nil) // of the attempt before
		}
		err = next(call.Context(), cmds)
		own = err
	}
	if err != nil && err != own { //nolint:errorlint // whether it is what the client returned
		for _, cmd := range cmds { // clad stopped it, or says more of it
			if cmd.Err() == nil || cmd.Err() == own { //nolint:errorlint // as above
				cmd.SetErr(err)
			}
		}
	}
	return err
}
