// Package post carries the calls of hosts to a registry: JSON by HTTP POST. The caller finds the
// errors of package hostmgr with errors.Is.
package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hostlife/hostlife/hostmgr"
)

// statuses has the HTTP status of each error on which a host acts. A host that leaves may exit
// although its cleanup is pending.
var statuses = []struct {
	code int
	err  error
}{
	{http.StatusAccepted, hostmgr.ErrCleanupPending},
	{http.StatusBadRequest, hostmgr.ErrInvalid},
	{http.StatusNotFound, hostmgr.ErrUnknownHost},
	{http.StatusConflict, hostmgr.ErrStale},
	{http.StatusForbidden, hostmgr.ErrConflict},
	{http.StatusServiceUnavailable, hostmgr.ErrFull},
}

const maxAnswer = 64 << 10 // bytes

// An answer is the body of each answer. It has the Ack of a failed call too: that of ErrStale says
// which incarnation refused.
type answer struct {
	hostmgr.Ack
	Error string `json:",omitempty"`
}

// Handler returns a handler that calls f with the body of each request.
func Handler[In any](f func(context.Context, In) (hostmgr.Ack, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out answer
		err := json.NewDecoder(r.Body).Decode(&in)
		if err != nil {
			err = fmt.Errorf("%w: %w", hostmgr.ErrInvalid, err)
		} else {
			out.Ack, err = f(r.Context(), in)
		}
		if err != nil {
			out.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(statusOf(err))
		_ = json.NewEncoder(w).Encode(out)
	})
}

// Do returns a handler that calls f with the body of each request. The Ack of its answer is zero.
func Do[In any](f func(context.Context, In) error) http.Handler {
	return Handler(func(ctx context.Context, in In) (ack hostmgr.Ack, err error) {
		return ack, f(ctx, in)
	})
}

func statusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.code
		}
	}
	return http.StatusInternalServerError
}

// To calls the handler at url, and returns its answer.
func To(ctx context.Context, url string, in any) (hostmgr.Ack, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return hostmgr.Ack{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return hostmgr.Ack{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return hostmgr.Ack{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var out answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&out); err != nil {
		return hostmgr.Ack{}, fmt.Errorf("%s: %w", response.Status, err)
	}
	return out.Ack, errorOf(response.StatusCode, out.Error)
}

// errorOf returns the error that an answer stands for. An answer without a text is not from Handler,
// but for instance from a proxy. So its status says nothing about the host.
func errorOf(code int, text string) error {
	if code == http.StatusOK {
		return nil
	}
	for _, s := range statuses {
		if code == s.code && text != "" {
			return fmt.Errorf("%w (%s)", s.err, text)
		}
	}
	return fmt.Errorf("status %d: %s", code, text)
}
