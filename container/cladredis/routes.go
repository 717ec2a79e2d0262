package cladredis

import (
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// routesKey is that under which a context bears the *routes of a call by a cluster
// client; nil for a single command.
type routesKey struct{}

// routes are what has become of the commands of a pipeline through a cluster client.
// That sends a batch again as a whole after a failure, with what has succeeded; so
// a command that a node's policy has done with is not let through a second time.
type routes struct {
	mu    sync.Mutex
	ended map[redis.Cmder]error // under way, or done with
}

// open returns those of a node's commands that are to be sent.
func (r *routes) open(cmds []redis.Cmder) []redis.Cmder {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := make([]redis.Cmder, 0, len(cmds))
	var asking redis.Cmder // goes with the one that follows
	for _, cmd := range cmds {
		if cmd.Name() == "asking" {
			asking = cmd
			continue
		}
		if _, ended := r.ended[cmd]; !ended {
			if asking != nil {
				open = append(open, asking)
			}
			open = append(open, cmd)
			r.ended[cmd] = nil
		}
		asking = nil
	}
	return open
}

// end notes what became of commands that were sent. Those that are another node's are
// open again; and if elsewhere, all that failed.
func (r *routes) end(cmds []redis.Cmder, elsewhere bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cmd := range cmds {
		err := cmd.Err()
		if redirects(err) || elsewhere && err != nil {
			delete(r.ended, cmd)
		} else {
			r.ended[cmd] = err
		}
	}
}

// outcome gives the commands back the errors with which they ended, which the client
// may have lost as it sent others, and returns the first.
func (r *routes) outcome(cmds []redis.Cmder, err error) error {
	if len(r.ended) == 0 {
		return taken(err)
	}
	var first error
	complete := true
	for _, cmd := range cmds {
		if ended, ok := r.ended[cmd]; ok {
			cmd.SetErr(ended)
		} else {
			complete = false
		}
		if first == nil {
			first = cmd.Err()
		}
	}
	if first == nil && !complete {
		return taken(err)
	}
	return first
}

// redirects reports whether a node says that another one has the key, or is none any
// more.
func redirects(err error) bool {
	return moved(err) || err == redis.ErrClosed //nolint:errorlint // as the client compares it
}

func moved(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	text := reply.Error()
	return strings.HasPrefix(text, "MOVED ") || strings.HasPrefix(text, "ASK ")
}

// discarded reports whether a transaction was not executed since one of its commands
// was refused, perhaps as another node's: which is not said.
func discarded(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "EXECABORT ")
}

// settled keeps a cluster client from trying again what a policy has done with. The
// client looks at texts, methods and what is wrapped; so there is nothing to see.
type settled struct {
	err  error
	text string
}

func (s *settled) Error() string { return s.text }

// taken is what a settled error stands for.
func taken(err error) error {
	if s, ok := err.(*settled); ok { //nolint:errorlint // nobody wraps it
		return s.err
	}
	return err
}

// What the client reads in a settled error: that of a replica which is loading has it
// pass the node over for some time, and ask another.
const (
	final     = "redis: settled"
	elsewhere = "LOADING redis: settled, ask another"
)
