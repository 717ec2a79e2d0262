package cladgrpc

import (
	"context"
	"errors"

	"github.com/cladgo/clad/policy"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Status returns the status that says what err means to a client:
//
//	ErrCancelled, context.Canceled   Canceled (DeadlineExceeded where a deadline was the reason)
//	ErrCircuitOpen                   Unavailable, with RetryInfo
//	ErrRateLimited                   ResourceExhausted, with RetryInfo
//	ErrBulkheadFull                  ResourceExhausted, with RetryInfo
//	ErrTimeout, a passed deadline    DeadlineExceeded
//	an error with a status           that
//	ErrRetriesExhausted              Unavailable
//	*InfrastructureError             Unavailable
//	anything else                    Unknown
//
// Retries are judged by what the last attempt ended with, if that is in the
// list before them. Where err is clad's, the message says no more than that: its
// text speaks of the inside. The status of nil is OK.
func Status(err error) *status.Status {
	if err == nil {
		return nil
	}
	if s, ok := err.(interface{ GRPCStatus() *status.Status }); ok && s.GRPCStatus() != nil { // one at the top was put there on purpose
		return s.GRPCStatus()
	}
	var (
		carried        interface{ GRPCStatus() *status.Status }
		infrastructure *policy.InfrastructureError
	)
	switch {
	case errors.Is(err, policy.ErrCancelled):
		if errors.Is(err, context.DeadlineExceeded) {
			return status.New(codes.DeadlineExceeded, policy.ErrCancelled.Error())
		}
		return status.New(codes.Canceled, policy.ErrCancelled.Error())
	case errors.Is(err, policy.ErrCircuitOpen):
		return withRetryInfo(err, codes.Unavailable, policy.ErrCircuitOpen)
	case errors.Is(err, policy.ErrRateLimited):
		return withRetryInfo(err, codes.ResourceExhausted, policy.ErrRateLimited)
	case errors.Is(err, policy.ErrBulkheadFull):
		return withRetryInfo(err, codes.ResourceExhausted, policy.ErrBulkheadFull)
	case errors.Is(err, policy.ErrTimeout):
		return status.New(codes.DeadlineExceeded, policy.ErrTimeout.Error())
	case errors.As(err, &carried) && carried.GRPCStatus() != nil:
		return carried.GRPCStatus()
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, context.Canceled.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, context.DeadlineExceeded.Error())
	case errors.Is(err, policy.ErrRetriesExhausted):
		return withRetryInfo(err, codes.Unavailable, policy.ErrRetriesExhausted)
	case errors.As(err, &infrastructure):
		return status.New(codes.Unavailable, infrastructure.Message)
	}
	return status.New(codes.Unknown, err.Error())
}

func withRetryInfo(err error, code codes.Code, what error) *status.Status {
	s := status.New(code, what.Error())
	after, ok := policy.RetryAfter(err)
	if !ok {
		return s
	}
	detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		return s
	}
	return detailed
}

// withStatus gives an error of clad's a status that everybody finds. Others stay
// as they are.
func withStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(interface{ GRPCStatus() *status.Status }); ok || !isClads(err) { // a status further down would lose its message
		return err
	}
	return &statusError{err, Status(err)}
}

// statusError gives an error a status, and loses nothing of it.
type statusError struct {
	err    error
	status *status.Status
}

func (e *statusError) Error() string              { return e.err.Error() }
func (e *statusError) Unwrap() error              { return e.err }
func (e *statusError) GRPCStatus() *status.Status { return e.status }

// Timeout reports whether the error is that of a timeout, for those who ask it
// by type, as os.IsTimeout does.
func (e *statusError) Timeout() bool {
	var timeout interface{ Timeout() bool }
	return errors.As(e.err, &timeout) && timeout.Timeout()
}
