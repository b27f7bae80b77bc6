module Rack; end
