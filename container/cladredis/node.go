package cladredis

import (
	"context"
	"errors"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// nodeHook puts the policies around what a cluster client does with one node, which is
// a partition of it: the client may make it anew at the same address.
type nodeHook struct {
	*hook
	cluster *cluster
	addr    string
}

// ProcessHook guards a command.
func (h *nodeHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if ofTopology(cmd) {
			return ask(ctx, cmd, next)
		}
		p := h.of(cmd)
		if p.Direct() || handshakes[cmd.Name()] {
			return next(ctx, cmd)
		}
		call := p.Begin(ctx)
		defer call.End()
		call.Partition(h.addr)
		var err error
		for call.Next(&err) {
			err = next(call.Context(), cmd)
			redirected(&call, err)
		}
		if err == nil || err == redis.Nil || redirects(err) { //nolint:errorlint // as it comes from the client
			return err
		}
		return h.settle(ctx, err, repeatable(cmd))
	}
}

// ProcessPipelineHook guards what is for this node of a pipeline, or a transaction.
func (h *nodeHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		p := h.ofAll(cmds)
		if p.Direct() || all(cmds, handshakes) {
			return next(ctx, cmds)
		}
		r, clustered := ctx.Value(routesKey{}).(*routes)
		if clustered && isTransaction(cmds) {
			// The client sends it again itself where it was certainly not executed;
			// one that succeeds here meanwhile would be executed twice.
			err := guard(ctx, p, h.addr, cmds, next, true)
			if err != nil {
				h.pass(ctx, err)
			}
			return err
		}
		if r != nil {
			if cmds = r.open(cmds); len(cmds) == 0 {
				return nil
			}
		}
		err := guard(ctx, p, h.addr, cmds, next, false)
		if r != nil {
			failed := err != nil && h.pass(ctx, err)
			r.end(cmds, failed && h.cluster.client.Options().ReadOnly && repeatableAll(cmds))
			return err
		}
		if err == nil || redirects(err) {
			return err
		}
		return h.settle(ctx, err, repeatableAll(cmds))
	}
}

// settle returns an error so that a cluster client does not try again by itself; but
// where replicas are read too, it asks another for what may be repeated.
func (h *nodeHook) settle(ctx context.Context, err error, repeatable bool) error {
	lost := h.pass(ctx, err)
	if _, clustered := ctx.Value(routesKey{}).(*routes); !clustered {
		return err // somebody has to do with this very node
	}
	if lost && repeatable && h.cluster.client.Options().ReadOnly {
		return &settled{err, elsewhere}
	}
	return &settled{err, final}
}

// pass reports whether an error says that the node can't be had, and has the client
// look for who has its slots then.
func (h *nodeHook) pass(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.Canceled) || policy.IsPermanent(err) || verdict.Of(err).Verdict == policy.Answered {
		return false
	}
	h.cluster.reload()
	return true
}

// redirected says of an attempt's error that it is a redirection, if it is: the node
// is well, and there is no sense in asking it again.
func redirected(call *container.Call, err error) {
	switch {
	case err == nil:
	case moved(err):
		call.Judge(policy.Answered)
	case discarded(err):
		call.Neutral()
		call.Stop()
	}
}

// ofTopology reports whether a cluster client asks a node for where the slots are, or
// what the commands are.
func ofTopology(cmd redis.Cmder) bool {
	args := cmd.Args()
	switch cmd.Name() {
	case "cluster":
		return len(args) > 1 && args[1] == "slots"
	case "command":
		return len(args) == 1
	}
	return false
}

// ask asks a node for that, once: the client asks the next one by itself, and is not
// to wait long for one that is silent.
func ask(ctx context.Context, cmd redis.Cmder, next redis.ProcessHook) error {
	const patience = time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return next(ctx, cmd)
}
