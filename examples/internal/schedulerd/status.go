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
func checked(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := validate(req); err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	if status.Code(err) == codes.Unimplemented {
		return nil, notImplemented(info.FullMethod)
	}
	return resp, toStatus(err)
}

// checkedStream wraps every stream.
func checkedStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	err := next(srv, stream)
	if status.Code(err) == codes.Unimplemented {
		return notImplemented(info.FullMethod)
	}
	return err
}

// notImplemented is the answer of the RPCs that serviceV1 and serviceV2 do not have. The reference of
// the command names them.
func notImplemented(method string) error {
	return status.Errorf(codes.Unimplemented,
		"%s is not implemented: this scheduler tracks hosts and their peers, and schedules nothing; call a scheduler of Dragonfly", method)
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
	case errors.Is(err, hostmgr.ErrUnknownHost), errors.Is(err, errNoPeer), errors.Is(err, errNoTask), errors.Is(err, errNoHost):
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
