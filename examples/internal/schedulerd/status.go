package schedulerd

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/hostmgr"
)

// errNotReady makes a client try another scheduler, or this one again.
var errNotReady = status.Error(codes.Unavailable,
	"this scheduler is out of touch with the table that the schedulers share: ask another one, or try again")

// checked wraps every unary call: it validates the request by Dragonfly's own definition, and turns
// errors into gRPC's.
func checked(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := validate(req); err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	return resp, toStatus(err)
}

func validate(req any) error {
	if v, ok := req.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
	return nil
}

// toStatus returns err as a gRPC status.
func toStatus(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codeOf(err), err.Error())
}

func codeOf(err error) codes.Code {
	switch {
	case errors.Is(err, hostmgr.ErrInvalid):
		return codes.InvalidArgument
	case errors.Is(err, hostmgr.ErrUnknownHost), errors.Is(err, errNoPeer), errors.Is(err, errNoHost):
		return codes.NotFound
	case errors.Is(err, hostmgr.ErrStale):
		return codes.FailedPrecondition
	case errors.Is(err, hostmgr.ErrConflict):
		return codes.AlreadyExists
	case errors.Is(err, hostmgr.ErrFull), errors.Is(err, errTooManyPeers), errors.Is(err, errPeersFull):
		return codes.ResourceExhausted
	}
	return codes.Internal
}
