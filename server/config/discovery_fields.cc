// SPDX-License-Identifier: Apache-2.0
// Rows of the discovery mechanisms; scrape jobs and blocks of Alertmanagers have them all.
#include <array>

#include "server/config/codecs.h"
#include "server/config/field_tables.h"

namespace vigil::config {
namespace {

using D = DiscoveryConfig;

// Ignoring one of these would lose scrapes or alerts silently.
constexpr std::string_view kUseFiles = "let it write target files for file_sd_configs";
constexpr Field<D> NotYetDiscovery(std::string_view key) {
  return NotYet<D>(key, kUseFiles, Support::kFail);
}

constexpr std::array kDiscoveryRows = {
    Row<&D::file_sd_configs, StructListCodec<FileSdConfig>>("file_sd_configs",
                                                            "targets from files"),
    Row<&D::static_configs, StructListCodec<StaticConfig>>("static_configs", "targets named here"),
    NotYetDiscovery("aws_sd_configs"),
    NotYetDiscovery("azure_sd_configs"),
    NotYetDiscovery("consul_sd_configs"),
    NotYetDiscovery("digitalocean_sd_configs"),
    NotYetDiscovery("dns_sd_configs"),
    NotYetDiscovery("docker_sd_configs"),
    NotYetDiscovery("dockerswarm_sd_configs"),
    NotYetDiscovery("ec2_sd_configs"),
    NotYetDiscovery("eureka_sd_configs"),
    NotYetDiscovery("gce_sd_configs"),
    NotYetDiscovery("hetzner_sd_configs"),
    NotYetDiscovery("http_sd_configs"),
    NotYetDiscovery("ionos_sd_configs"),
    NotYetDiscovery("kubernetes_sd_configs"),
    NotYetDiscovery("kuma_sd_configs"),
    NotYetDiscovery("lightsail_sd_configs"),
    NotYetDiscovery("linode_sd_configs"),
    NotYetDiscovery("marathon_sd_configs"),
    NotYetDiscovery("nerve_sd_configs"),
    NotYetDiscovery("nomad_sd_configs"),
    NotYetDiscovery("oci_sd_configs"),
    NotYetDiscovery("openstack_sd_configs"),
    NotYetDiscovery("outscale_sd_configs"),
    NotYetDiscovery("ovhcloud_sd_configs"),
    NotYetDiscovery("puppetdb_sd_configs"),
    NotYetDiscovery("scaleway_sd_configs"),
    NotYetDiscovery("serverset_sd_configs"),
    NotYetDiscovery("stackit_sd_configs"),
    NotYetDiscovery("triton_sd_configs"),
    NotYetDiscovery("uyuni_sd_configs"),
    NotYetDiscovery("vultr_sd_configs"),
};
static_assert(kDiscoveryRows[kDiscoveryFieldCount - 1].read != nullptr &&
              kDiscoveryRows[kDiscoveryFieldCount].read == nullptr);

constexpr std::array kStaticRows = {
    Row<&StaticConfig::targets, StringListCodec>("targets", "host:port each"),
    Row<&StaticConfig::labels, LabelsCodec>("labels", "labels of all of them"),
};

constexpr std::array kFileSdRows = {
    Row<&FileSdConfig::files, GlobListCodec>("files", "JSON or YAML files with target groups"),
    Row<&FileSdConfig::refresh_interval, DurationCodec, Show::kAlways>(
        "refresh_interval", "how often to look, besides being told of changes"),
};

}  // namespace

template <>
std::span<const Field<DiscoveryConfig>> FieldsOf<DiscoveryConfig>() {
  return kDiscoveryRows;
}
template <>
std::span<const Field<StaticConfig>> FieldsOf<StaticConfig>() {
  return kStaticRows;
}
template <>
std::span<const Field<FileSdConfig>> FieldsOf<FileSdConfig>() {
  return kFileSdRows;
}

}  // namespace vigil::config
