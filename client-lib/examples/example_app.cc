// SPDX-License-Identifier: Apache-2.0
// A program with metrics: counts its work and serves the counts until it is told to stop.
//   vigil-example-app 127.0.0.1:8080 & curl http://127.0.0.1:8080/metrics
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "vigil/exposer.h"

namespace {

volatile std::sig_atomic_t stop_requested = 0;

void OnSignal(int) { stop_requested = 1; }

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:8080";
  std::string error;
  const std::unique_ptr<vigil::Exposer> exposer =
      vigil::Exposer::TryCreate({{address}, 2, {}, {}}, &error);
  if (exposer == nullptr) {
    std::cerr << "example_app: " << error << "\n";
    return 1;
  }

  const auto registry = std::make_shared<prometheus::Registry>();
  auto& jobs = prometheus::BuildCounter()
                   .Name("example_jobs_total")
                   .Help("Jobs done, by their kind.")
                   .Register(*registry);
  // Look a labelled metric up once and keep the reference: that is the fast way.
  prometheus::Counter& small_jobs = jobs.Add({{"kind", "small"}});
  exposer->RegisterCollectable(registry);
  std::cout << "http://127.0.0.1:" << exposer->GetListeningPorts().front() << "/metrics"
            << std::endl;

  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  while (stop_requested == 0) {
    small_jobs.Increment();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return 0;
}
