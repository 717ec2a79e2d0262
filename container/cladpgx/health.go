package cladpgx

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/cladgo/clad/internal/sqlerr"
	"github.com/jackc/pgx/v5/pgconn"
)

// resetter is a pool, which can make all its connections anew.
type resetter interface{ Reset() }

// health is what the statements have heard of a pool's connections. Those that the
// same restart has taken are one event: the first that is found dead has all the
// others given up, so that neither calls nor probes meet them one by one.
type health struct {
	pool     resetter // nil: a single connection
	mu       sync.Mutex
	losses   atomic.Uint64 // how often all were given up
	timeouts atomic.Uint32 // since anything went well
}

func newHealth(next any) *health {
	pool, _ := next.(resetter)
	return &health{pool: pool}
}

// manyTimeouts in a row are reason to mistrust all connections: the server may hang,
// or be another one by now.
const manyTimeouts = 2

// now returns what an attempt that begins is to tell failed.
func (h *health) now() uint64 { return h.losses.Load() }

func (h *health) succeeded() {
	if h.timeouts.Load() != 0 {
		h.timeouts.Store(0)
	}
}

// failed notes what an attempt that began at a count of losses came to. It reports
// whether that is explained by a loss of which others have told.
func (h *health) failed(err error, began uint64) (known bool) {
	switch {
	case h.pool == nil:
	case isLoss(err):
		return !h.giveUp(began)
	case isTimeout(err):
		if h.timeouts.Add(1) >= manyTimeouts {
			h.timeouts.Store(0)
			h.giveUp(h.now())
		}
	}
	return false
}

// giveUp has the pool make its connections anew, unless it did since an attempt
// began. Those that are in use are closed when they come back.
func (h *health) giveUp(began uint64) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.losses.Load() != began {
		return false
	}
	h.pool.Reset() // before anybody counts himself among those who come after
	h.losses.Add(1)
	return true
}

// isLoss reports whether an error says that an open connection is gone, or leads to
// a server that takes no writes any more.
func isLoss(err error) bool {
	var connecting *pgconn.ConnectError
	var server *pgconn.PgError
	switch {
	case errors.As(err, &connecting):
		return false
	case errors.As(err, &server):
		m, _ := sqlerr.Of(server)
		return m.Lost || m.ReadOnly
	case isTimeout(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) && network.Op != "dial"
}

// isTimeout reports whether a server did not answer in time: what ended while a pool
// had no connection to give is not one.
func isTimeout(err error) bool {
	var connecting *pgconn.ConnectError
	return pgconn.Timeout(err) && !errors.As(err, &connecting)
}

// isReadOnly reports whether a server, or the transaction, takes no writes.
func isReadOnly(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	m, _ := sqlerr.Of(server)
	return m.ReadOnly
}
