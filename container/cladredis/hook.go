package cladredis

import (
	"context"
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
	passing
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

// passing leaves connecting to the commands that need it: it is part of their
// attempts.
type passing struct{}

// DialHook does nothing.
func (passing) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook guards a command.
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return h.guard(ctx, "", cmd, next) }
}

// guard has a command executed by a shard, or by whom there is.
func (h *hook) guard(ctx context.Context, shard string, cmd redis.Cmder, next redis.ProcessHook) error {
	p := h.of(cmd)
	if p.Direct() || handshakes[cmd.Name()] {
		return next(ctx, cmd)
	}
	call := p.Begin(ctx)
	defer call.End()
	call.Partition(shard)
	var err error
	for call.Next(&err) {
		err = next(call.Context(), cmd)
	}
	return err
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
		return guard(ctx, h.ofAll(cmds), "", cmds, next, false)
	}
}

// ofAll finds the pipeline of commands that are sent together.
func (h *hook) ofAll(cmds []redis.Cmder) *container.Pipeline {
	safe, once := h.pipeline, h.pipelineOnce
	if isTransaction(cmds) {
		safe, once = h.transaction, h.transactOnce
	}
	if repeatableAll(cmds) {
		return safe
	}
	return once
}

func isTransaction(cmds []redis.Cmder) bool {
	return len(cmds) > 1 && (cmds[0].Name() == "multi" || cmds[0].Name() == "asking" && cmds[1].Name() == "multi")
}

// handshakes are the commands with which the client makes a new connection ready,
// through its hooks, in the middle of the attempt that needs one.
var handshakes = setOf("hello auth client select readonly readwrite")

func all(cmds []redis.Cmder, set map[string]bool) bool {
	return !slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return !set[cmd.Name()] })
}

// guard has commands executed together by a node, or by whom there is; if single, in one
// attempt.
func guard(ctx context.Context, p *container.Pipeline, node string, cmds []redis.Cmder, next redis.ProcessPipelineHook, single bool) error {
	if p.Direct() || all(cmds, handshakes) {
		return next(ctx, cmds)
	}
	call := p.Begin(ctx)
	defer call.End()
	call.Partition(node)
	var err, own error
	forget(cmds) // what another node said
	for call.Next(&err) {
		forget(cmds) // what the attempt before met
		err = next(call.Context(), cmds)
		own = err
		redirected(&call, err)
		if single || err != nil && partlyDone(cmds) {
			call.Stop()
		}
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

func forget(cmds []redis.Cmder) {
	for _, cmd := range cmds {
		cmd.SetErr(nil)
	}
}

// partlyDone reports whether one of the commands is done that must not be done again:
// the error of several is that of the first, or of the connection.
func partlyDone(cmds []redis.Cmder) bool {
	failed := slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Err() != nil })
	if !failed || isTransaction(cmds) {
		return false // there was no connection; or it is all or nothing
	}
	return slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Err() == nil && !repeatable(cmd) && cmd.Name() != "asking" })
}
