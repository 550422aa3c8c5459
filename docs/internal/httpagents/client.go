package httpagents

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// NewAgent returns an agent. Its Run announces it to the service at url until the context ends.
func NewAgent(url, id string, describe func() Agent) (*announcer.Announcer[Agent], error) {
	client := Client{URL: url, HTTP: http.DefaultClient}
	return announcer.New(announcer.Config[Agent]{
		ID: id, Metadata: describe,
		Announce: client.Announce, Heartbeat: client.Heartbeat, Leave: client.Leave,
	})
}

// A Client calls the Handler at URL. The announcer gives each call a context with a time limit.
type Client struct {
	URL  string
	HTTP *http.Client
}

// Announce passes on the whole announcement.
func (c Client) Announce(ctx context.Context, a hostmgr.Announcement[Agent]) (hostmgr.Ack, error) {
	return c.call(ctx, "/announce", a)
}

// Heartbeat says that the agent is alive.
func (c Client) Heartbeat(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error) {
	return c.call(ctx, "/heartbeat", contact{id, incarnation})
}

// Leave ends the registration.
func (c Client) Leave(ctx context.Context, id string, incarnation uint64) error {
	_, err := c.call(ctx, "/leave", contact{id, incarnation})
	return err
}

func (c Client) call(ctx context.Context, path string, in any) (hostmgr.Ack, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return hostmgr.Ack{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return hostmgr.Ack{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := c.HTTP.Do(r)
	if err != nil {
		return hostmgr.Ack{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var out answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&out); err != nil {
		return hostmgr.Ack{}, fmt.Errorf("%s: %w", response.Status, err) // not from the handler
	}
	return out.Ack, errorOf(response.StatusCode, out.Error)
}
