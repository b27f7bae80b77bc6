Gem::Specification.new { |s| s.name = "rack" }
