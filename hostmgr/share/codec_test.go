package share_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A strangeCodec fails, panics, or makes metadata too large.
type strangeCodec struct{ share.Codec[peer] }

func (c strangeCodec) Encode(p peer) ([]byte, error) {
	switch p.Address {
	case "fails":
		return nil, errors.New("cannot encode")
	case "panics":
		panic("encode")
	case "large":
		p.Address = strings.Repeat("x", 64<<10)
	}
	return c.Codec.Encode(p)
}

func (c strangeCodec) Decode(b []byte) (peer, error) {
	p, err := c.Codec.Decode(b)
	switch p.Address {
	case "unreadable":
		return p, errors.New("cannot decode")
	case "panics when read":
		panic("decode")
	}
	return p, err
}

func TestACodecThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		f.codec, f.logger = strangeCodec{share.JSON[peer]()}, slog.New(slog.NewTextHandler(&log, nil))
		f.start("a")
		f.start("b")
		time.Sleep(11 * time.Second)
		kinds := []string{"fails", "panics", "large", "unreadable", "panics when read", "good"}
		for _, k := range kinds {
			f.processes[0].announce(t, k, peer{Address: k})
		}
		time.Sleep(time.Second)
		require.Equal(t, 1, f.processes[1].hosts.Len(), "only good")
		require.Equal(t, 5, f.processes[1].member.Stats().Skipped)
		require.NotZero(t, f.processes[0].member.Stats().CodecFailures)
		for range 5 {
			time.Sleep(interval - time.Second)
			for _, k := range kinds {
				_, err := f.processes[0].hosts.Heartbeat(k, 0)
				require.NoError(t, err)
			}
		}
		require.Equal(t, 6, f.processes[0].hosts.Len())
		for _, k := range kinds {
			require.NoError(t, f.processes[0].hosts.Leave(t.Context(), k, 0))
		}
		time.Sleep(time.Second)
		require.Zero(t, f.processes[1].hosts.Len())
		require.Zero(t, f.processes[1].member.Stats().Skipped)
		require.Len(t, f.cleaned.all(), 4, "all but those that cannot be decoded")
		f.stop()
		require.LessOrEqual(t, strings.Count(log.String(), "shared in part only"), 6)
	})
}

func TestAHostWithoutMetadataIsEvictedByItsKeeper(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		f.codec = strangeCodec{share.JSON[peer]()}
		f.start("a")
		f.start("b")
		time.Sleep(11 * time.Second)
		f.processes[0].announce(t, "h", peer{Address: "fails"})
		time.Sleep(2*interval + 2*time.Second)
		require.Zero(t, f.processes[0].hosts.Len())
		require.Zero(t, f.processes[1].member.Stats().Skipped)
		require.Len(t, f.cleaned.all(), 1)
		f.stop()
	})
}
