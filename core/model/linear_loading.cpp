// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/linear_loading.h"

#include "core/model/gpu_linear.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <limits>

namespace sa
{

namespace
{

Result<at::Tensor> readUnpacked(const ModelFolder& model, const PackedLayerInfo& layer)
{
    SA_TRY(const PackedWeight weight, readPacked(model.store, layer));
    at::Tensor values = at::empty({layer.N, layer.K}, at::kFloat);
    if (weight.unpack(values.data_ptr<float>()) != kernels::Status::Ok)
        return makeError(Errc::Internal, "the planes cannot be unpacked").in(model.path).at(display(layer.name));
    return values;
}

std::int64_t fastTokens(PackedForm form)
{
    constexpr std::int64_t kFew = 4; // from here on a table of the exact product serves several tokens
    return form == PackedForm::EveryTokenFast ? std::numeric_limits<std::int64_t>::max()
           : form == PackedForm::FastPlanes   ? kFew
                                              : 0;
}

Result<std::unique_ptr<Linear>> readLinear(const ModelFolder& model, const LinearInfo& info, at::Tensor bias,
                                           at::Device device, PackedForm form)
{
    const PackedLayerInfo* packed = model.packedLayer(info.name);
    if (packed && form == PackedForm::Dense) {
        SA_TRY(const at::Tensor weight, readUnpacked(model, *packed));
        return std::unique_ptr<Linear>(std::make_unique<DenseLinear>(weight.to(device), std::move(bias)));
    }
    if (packed) {
        SA_TRY(PackedWeight weight, readPacked(model.store, *packed));
        return std::unique_ptr<Linear>(
            std::make_unique<PlanesLinear>(std::move(weight), std::move(bias), fastTokens(form)));
    }
    SA_TRY(at::Tensor weight, readFloatTensor(model.store, info.name + ".weight", device));
    return std::unique_ptr<Linear>(std::make_unique<DenseLinear>(std::move(weight), std::move(bias)));
}

} // namespace

Result<std::vector<std::unique_ptr<Linear>>> readLinears(const ModelFolder& model, const std::vector<LinearInfo>& infos,
                                                         at::Device device, PackedForm form)
{
    std::vector<std::unique_ptr<Linear>> out(infos.size());
    std::vector<GpuLayer> layers;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < infos.size(); ++i) {
        at::Tensor bias;
        if (infos[i].bias) {
            SA_TRY(bias, readFloatTensor(model.store, infos[i].name + ".bias", device));
        }
        const PackedLayerInfo* packed = model.packedLayer(infos[i].name);
        if (packed && form != PackedForm::Dense && !device.is_cpu()) {
            SA_TRY(PackedWeight weight, readPacked(model.store, *packed));
            layers.push_back({std::move(weight), std::move(bias)});
            places.push_back(i);
            continue;
        }
        SA_TRY(out[i], readLinear(model, infos[i], std::move(bias), device, form));
    }
    if (layers.empty())
        return out;
    auto bodies = makeGpuLinears(std::move(layers), device);
    if (!bodies)
        return std::move(bodies).error().in(model.path);
    for (std::size_t i = 0; i < places.size(); ++i)
        out[places[i]] = std::move((*bodies)[i]);
    return out;
}

} // namespace sa
