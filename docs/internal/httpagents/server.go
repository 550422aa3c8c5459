package httpagents

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/hostlife/hostlife/hostmgr"
)

const maxBody = 64 << 10 // bytes

// Handler takes the calls of agents. It believes each caller: authenticate agents in front of it.
func Handler(hosts *hostmgr.Registry[Agent]) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /announce", handle(func(_ context.Context, a hostmgr.Announcement[Agent]) (hostmgr.Ack, error) {
		return hosts.Announce(a)
	}))
	mux.Handle("POST /heartbeat", handle(func(_ context.Context, c contact) (hostmgr.Ack, error) {
		return hosts.Heartbeat(c.ID, c.Incarnation)
	}))
	mux.Handle("POST /leave", handle(func(ctx context.Context, c contact) (hostmgr.Ack, error) {
		return hostmgr.Ack{}, hosts.Leave(ctx, c.ID, c.Incarnation)
	}))
	return mux
}

// handle calls f with the body of each request, and answers with what it returns.
func handle[In any](f func(context.Context, In) (hostmgr.Ack, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out answer
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in)
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
		_ = json.NewEncoder(w).Encode(out) // the agent retries if it does not arrive
	})
}
