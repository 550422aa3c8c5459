// Package httpagents has both sides of agents that announce themselves by HTTP: the handler of the
// service, and the client of an agent. Bodies are JSON.
package httpagents

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/hostlife/hostlife/hostmgr"
)

// An Agent is the metadata of an agent.
type Agent struct{ Address string }

// A contact is the body of a heartbeat or a leave. The body of an announce is the Announcement.
type contact struct {
	ID          string
	Incarnation uint64
}

// An answer is the body of each answer. ErrStale has an Ack too: the incarnation that refused.
type answer struct {
	hostmgr.Ack
	Error string `json:",omitempty"`
}

// statuses has the HTTP status of each error on which an agent acts.
var statuses = []struct {
	code int
	err  error
}{
	{http.StatusAccepted, hostmgr.ErrCleanupPending}, // of a leave: the agent may exit
	{http.StatusBadRequest, hostmgr.ErrInvalid},
	{http.StatusForbidden, hostmgr.ErrConflict},
	{http.StatusNotFound, hostmgr.ErrUnknownHost},
	{http.StatusConflict, hostmgr.ErrStale},
	{http.StatusServiceUnavailable, hostmgr.ErrFull},
}

// statusOf returns the status of an answer. It is 500 for an error that means: retry.
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

// errorOf returns the error that an answer stands for. An answer without a text is not from the
// handler, but for instance from a proxy. So its status says nothing about the agent.
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
