package httpagents

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A service calls the handler without a network, so that it can be in a bubble. A restart of the
// service stores another handler.
type service struct{ atomic.Value }

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	s.Load().(http.Handler).ServeHTTP(answer, r)
	return answer.Result(), nil
}

// start starts the service with an empty registry.
func (s *service) start(ctx context.Context, t *testing.T) *hostmgr.Registry[Agent] {
	hosts, err := hostmgr.New(hostmgr.Config[Agent]{})
	require.NoError(t, err)
	go func() { _ = hosts.Run(ctx) }()
	s.Store(Handler(hosts))
	return hosts
}

// An agent stays registered, is registered again after the service has restarted, and leaves.
func TestAnAgentStaysRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var s service
		first := s.start(ctx, t)
		client := Client{URL: "http://service", HTTP: &http.Client{Transport: &s}}
		agent, err := announcer.New(announcer.Config[Agent]{
			ID: "a", Interval: 10 * time.Second, Zone: "east", Speaker: "machine 1", Incarnation: 7,
			Metadata: func() Agent { return Agent{Address: "10.0.0.1"} },
			Announce: client.Announce, Heartbeat: client.Heartbeat, Leave: client.Leave,
		})
		require.NoError(t, err)
		running, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- agent.Run(running) }()

		time.Sleep(time.Second)
		joined, there := first.Get("a")
		require.True(t, there)
		require.Equal(t, Agent{Address: "10.0.0.1"}, joined.Metadata)
		require.Equal(t, 10*time.Second, joined.Interval)
		require.Equal(t, "east", joined.Zone)
		require.EqualValues(t, 7, joined.Incarnation)
		time.Sleep(time.Hour)
		later, there := first.Get("a")
		require.True(t, there)
		require.Equal(t, joined.Registration, later.Registration)

		second := s.start(ctx, t)
		time.Sleep(10 * time.Second)
		_, there = second.Get("a")
		require.True(t, there, "the answer to its next heartbeat is ErrUnknownHost")
		end()
		require.NoError(t, <-ended)
		require.Zero(t, second.Len())
		require.EqualValues(t, 1, second.Stats().Departures.Left)
	})
}

// The client finds each error on which an agent acts, with the Ack that belongs to it.
func TestErrorsArrive(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[Agent]{
		MaxHosts: 1,
		Cleanup:  func(context.Context, hostmgr.Departure[Agent]) error { return errors.New("database is down") },
	})
	require.NoError(t, err)
	server := httptest.NewServer(Handler(hosts))
	defer server.Close()
	client := Client{URL: server.URL, HTTP: server.Client()}
	announce := func(id string, incarnation uint64, speaker string) (hostmgr.Ack, error) {
		return client.Announce(t.Context(), hostmgr.Announcement[Agent]{ID: id, Incarnation: incarnation, Speaker: speaker})
	}

	joined, err := announce("a", 7, "machine 1")
	require.NoError(t, err)
	require.NotZero(t, joined.Registration)
	require.Equal(t, hostmgr.DefaultInterval, joined.Interval)
	refreshed, err := client.Heartbeat(t.Context(), "a", 7)
	require.NoError(t, err)
	require.Equal(t, joined, refreshed)

	stale, err := announce("a", 6, "machine 1")
	require.ErrorIs(t, err, hostmgr.ErrStale)
	require.EqualValues(t, 7, stale.Incarnation, "the one that refused")
	_, err = announce("a", 7, "machine 2")
	require.ErrorIs(t, err, hostmgr.ErrConflict)
	_, err = announce("b", 1, "")
	require.ErrorIs(t, err, hostmgr.ErrFull)
	_, err = announce("", 1, "")
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	_, err = client.Heartbeat(t.Context(), "b", 1)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
	require.ErrorIs(t, client.Leave(t.Context(), "a", 7), hostmgr.ErrCleanupPending)
}

// What is not an answer of the handler means that the agent retries.
func TestOtherAnswersMeanRetry(t *testing.T) {
	for _, body := range []string{"<html>", "{}", ""} {
		for _, code := range []int{400, 403, 404, 409, 500, 502, 503} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(code)
				_, _ = w.Write([]byte(body))
			}))
			_, err := Client{URL: server.URL, HTTP: server.Client()}.Heartbeat(t.Context(), "a", 1)
			server.Close()
			require.Error(t, err)
			require.Equal(t, announcer.Retry, announcer.Classify(err), "%d %q: %v", code, body, err)
		}
	}
	_, err := Client{URL: "http://127.0.0.1:1", HTTP: http.DefaultClient}.Heartbeat(t.Context(), "a", 1)
	require.Equal(t, announcer.Retry, announcer.Classify(err))
}

func TestABodyThatIsNotAnAnnouncement(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[Agent]{})
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	Handler(hosts).ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/announce", http.NoBody))
	require.Equal(t, http.StatusBadRequest, answer.Code)
}

// NewAgent announces itself over a real connection.
func TestNewAgent(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[Agent]{})
	require.NoError(t, err)
	server := httptest.NewServer(Handler(hosts))
	defer server.Close()
	agent, err := NewAgent(server.URL, "a", func() Agent { return Agent{Address: "10.0.0.1"} })
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx) }()
	require.Eventually(t, func() bool { return hosts.Len() == 1 }, time.Minute, time.Millisecond)
	end()
	require.NoError(t, <-ended)
	require.Zero(t, hosts.Len())
}
