package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A link is a proxy for TCP connections that can fail.
type link struct{ proxy *toxiproxy.Proxy }

// lay makes a link from an address to another one.
func lay(from, to string) (*link, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &link{proxy: toxiproxy.NewProxy(server, "link", from, to)}
	return l, l.proxy.Start()
}

func (l *link) address() string { return l.proxy.Listen }

// redirect closes all connections, and connects new ones to another address.
func (l *link) redirect(to string) error {
	return l.proxy.Update(&toxiproxy.Proxy{Listen: l.proxy.Listen, Upstream: to, Enabled: true})
}

// cut closes all connections, and refuses new ones.
func (l *link) cut() { l.proxy.Stop() }

// A toxic is what happens to the bytes of a link in one direction.
type toxic struct{ stream, kind string }

const (
	up   = "upstream" // to the engine
	down = "downstream"
)

// dropped makes bytes vanish. The connections stay, and new ones are accepted.
const dropped = `"type": "timeout", "attributes": {"timeout": 0}`

// delayed delays bytes.
func delayed(d, jitter time.Duration) string {
	return fmt.Sprintf(`"type": "latency", "attributes": {"latency": %d, "jitter": %d}`, d.Milliseconds(), jitter.Milliseconds())
}

// suffers runs f while the link suffers from toxics. Connections that have lost bytes are closed
// then.
func (l *link) suffers(toxics []toxic, f func() error) error {
	for _, t := range toxics {
		text := fmt.Sprintf(`{"name": %q, "stream": %q, %s}`, t.stream, t.stream, t.kind)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	for _, t := range toxics {
		if err := l.proxy.Toxics.RemoveToxic(context.Background(), t.stream); err != nil {
			return err
		}
	}
	return nil
}
