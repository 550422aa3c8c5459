package hostprom_test

import (
	"encoding/json"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	query "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/stretchr/testify/require"
)

// The dashboard conforms to the schema that Grafana publishes: no field is unknown, none that is
// required is missing, and each value is in its range.
func TestGrafanaKnowsTheDashboard(t *testing.T) {
	types := cog.NewRuntime()
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	types.RegisterDataqueryVariant(query.VariantConfig())
	text := []byte(read(t, "dashboard.json"))

	var strict, d grafana.Dashboard                    //nolint:staticcheck // the classic format
	require.Empty(t, strict.UnmarshalJSONStrict(text)) // an error without entries means that there is none
	require.NoError(t, json.Unmarshal(text, &d))
	require.NoError(t, d.Validate())
	for _, p := range d.Panels {
		if p.Panel != nil {
			require.Equal(t, "timeseries", p.Panel.Type, "a type that is registered above")
		}
	}
}
